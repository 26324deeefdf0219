const units = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["KB", 1e3],
  ["B", 1],
] as const;

export const sizePattern = "^[0-9]{1,15}(?:[.][0-9]{1,6})?(?:[KMGT]i?B|B)$";

const shape = new RegExp(sizePattern);

/** Bytes of `256MiB` (binary units) or `1.5GB` (decimal ones), rounded to whole bytes; null for anything else. */
export function parseSize(text: string): number | null {
  if (!shape.test(text)) return null;
  const unit = units.find(([name]) => text.endsWith(name));
  return unit === undefined ? null : Math.round(Number(text.slice(0, -unit[0].length)) * unit[1]);
}

/** The exact writing of a whole number of bytes in the largest binary unit that divides it. */
export function formatSize(bytes: number): string {
  const unit = units.find(([name, size]) => name.endsWith("iB") && bytes > 0 && bytes % size === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / unit[1]}${unit[0]}`;
}
