// Where a key leads on a grid read in rows: the next place, or null when the key does not move.
export function nextIn(key: string, at: number, count: number, columns: number): number | null {
  const last = count - 1;
  switch (key) {
    case 'ArrowLeft':
      return Math.max(0, at - 1);
    case 'ArrowRight':
      return Math.min(last, at + 1);
    case 'ArrowUp':
      return at - columns >= 0 ? at - columns : at;
    case 'ArrowDown':
      // From the row above a short last row, its end is the nearest place.
      return at + columns <= last ? at + columns : Math.floor(at / columns) < Math.floor(last / columns) ? last : at;
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}
