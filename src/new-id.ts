// Nothing in; a name that no other thing has, out. `crypto.randomUUID` is kept for secure addresses, where photos can be looked at all the same.
export const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
