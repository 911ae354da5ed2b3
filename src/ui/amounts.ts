// Numbers as people read them: bytes, percent, counts, seconds. The same in every language but for the separators.
const grouped = new Intl.NumberFormat('en-US');

export const count = (n: number): string => grouped.format(n);
export const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** 3.2 MB, 2.13 GB: decimal units, as disks and shops count. */
export function bytes(n: number): string {
  if (n < 1e3) return `${n} B`;
  if (n < 1e6) return `${Math.round(n / 1e3)} KB`;
  if (n < 1e7) return `${(n / 1e6).toFixed(1)} MB`;
  if (n < 1e9) return `${Math.round(n / 1e6)} MB`;
  return n < 1e10 ? `${(n / 1e9).toFixed(2)} GB` : `${Math.round(n / 1e9)} GB`;
}
/** 0.62 s, 14 s, 3 min, 1 h 5 min. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
