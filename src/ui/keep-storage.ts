// In: nothing; out: whether the browser promised not to clear this page's storage. Only a page may ask: the worker can merely look.

/** Asked before a download or an import begins. Nobody waits for the answer: Firefox asks the user, and without a promise everything works too. */
export async function askToKeep(): Promise<boolean> {
  try {
    return (await navigator.storage?.persist?.()) ?? false;
  } catch {
    return false; // a private window may refuse the question itself
  }
}
