// A list, items that are missing from it and the order in which all once stood in; the list with each of them behind the one it stood behind, out.

/** `order` has every missing item; what it stood behind may be gone by now, then the one before that counts. */
export function putBack<T extends { id: string }>(list: readonly T[], missing: readonly T[], order: readonly T[]): T[] {
  const next = [...list];
  for (const item of missing) {
    const before = order
      .slice(
        0,
        order.findIndex(({ id }) => id === item.id),
      )
      .map(({ id }) => id);
    const at = next.findLastIndex(
      ({ id }) => id === before.findLast((known) => next.some((other) => other.id === known)),
    );
    next.splice(at + 1, 0, item);
  }
  return next;
}
