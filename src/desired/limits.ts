/** Bounds of what is read: beyond them it is a mistake or an attack, and either way not worth the memory. */
export const limits = {
  fileBytesMax: 16 * 1024 * 1024,
  totalBytesMax: 64 * 1024 * 1024,
  filesPerDirectoryMax: 10_000,
  depthMax: 32,
  servicesMax: 20_000,
  /** Problems told at once; the rest would not be read. */
  problemsMax: 100,
} as const;
