// In: nothing. Out: the types of packages.mjs, which runs before any package is there and so is plain JavaScript.
export const root: string;
export function ensurePackages(): void;
