export interface BucketLimits {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export function full(limits: BucketLimits, nowMs: number): Bucket {
  return { tokens: limits.burst, atMs: nowMs };
}

/** Takes one token, on credit if need be: then `waitMs` says how long to wait before it may be used. */
export function take(
  bucket: Bucket,
  { burst, perSecond }: BucketLimits,
  nowMs: number,
): { readonly bucket: Bucket; readonly waitMs: number } {
  const gainedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(burst, bucket.tokens + (gainedMs * perSecond) / 1_000) - 1;
  return {
    bucket: { tokens, atMs: Math.max(nowMs, bucket.atMs) },
    waitMs: tokens >= 0 ? 0 : (-tokens * 1_000) / perSecond,
  };
}
