// What the page asks of the studio: the worker's methods, long ones with an AbortSignal first. `StudioClient` and the tests' fake both are one.

import type { Trouble, TroubleCode, TroubleFacts } from '../../trouble.ts';
import type { Calls } from '../../worker/client.ts';

export type StudioCalls = Calls & {
  /** Ends whatever the worker does at once: calls under way reject with an AbortError. What was saved stays. */
  startAgain(): void;
};

/** One trouble with its own facts, so that a switch on `code` narrows `facts`. */
export type AnyTrouble = { [C in TroubleCode]: { code: C; facts: TroubleFacts[C] } }[TroubleCode];
/** What a screen shows when something went wrong: a trouble with its sentence, or a bug with its text. */
export type Mishap = AnyTrouble | { code: 'bug'; facts: { message: string } };

/** Troubles that crossed the worker's border are plain errors with `code` and `facts`; anything else is a bug of ours. */
export function mishap(error: unknown): Mishap {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && 'facts' in error) {
    const { code, facts } = error as Trouble;
    return { code, facts } as AnyTrouble;
  }
  console.error(error);
  return { code: 'bug', facts: { message: error instanceof Error ? (error.stack ?? error.message) : String(error) } };
}

export const wasAborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
