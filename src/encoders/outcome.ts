// A promise in; what became of it, in a form that crosses between workers, out; and back. A thrown Trouble keeps its code and facts on the way.
import { Trouble, type TroubleCode, type TroubleFacts } from '../trouble.ts';

/** A value, or why there is none. Comlink itself would make every error a plain one, without `code` and `facts`. */
export type Outcome<T> =
  | { ok: true; value: T }
  | { ok: false; trouble: { code: TroubleCode; facts: TroubleFacts[TroubleCode]; message: string } }
  | { ok: false; error: { message: string; stack: string } };

/** Waits for `work` and never rejects. */
export async function settle<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof Trouble) {
      const { code, facts, message } = error;
      return { ok: false, trouble: { code, facts, message } };
    }
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    return { ok: false, error: { message, stack } };
  }
}

/** The value, or the same Trouble (or an Error that shows where it came from) thrown here. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  if ('trouble' in outcome) throw new Trouble(outcome.trouble.code, outcome.trouble.facts, outcome.trouble.message);
  throw Object.assign(new Error(outcome.error.message), { stack: outcome.error.stack });
}
