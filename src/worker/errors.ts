// Errors across the seam: whatever the worker throws in, the same thing on the page out — a Trouble with its code and facts, an abort, a bug.
import * as Comlink from 'comlink';
import { Trouble, type TroubleCode, type TroubleFacts } from '../trouble.ts';

type Plain =
  | { kind: 'trouble'; code: TroubleCode; facts: TroubleFacts[TroubleCode]; message: string; stack?: string }
  | { kind: 'abort'; message: string }
  | { kind: 'error'; name: string; message: string; stack?: string }
  | { kind: 'other'; value: unknown };

/** An error as data that structured clone keeps whole (it drops an Error's own fields and its class). */
export function toPlain(error: unknown): Plain {
  if (error instanceof Trouble) {
    const { code, facts, message, stack } = error;
    return { kind: 'trouble', code, facts, message, stack };
  }
  if (error instanceof DOMException && error.name === 'AbortError') return { kind: 'abort', message: error.message };
  if (error instanceof Error) return { kind: 'error', name: error.name, message: error.message, stack: error.stack };
  return { kind: 'other', value: error };
}

export function fromPlain(plain: Plain): unknown {
  switch (plain.kind) {
    case 'trouble':
      return withStack(new Trouble(plain.code, plain.facts, plain.message), plain.stack);
    case 'abort':
      return new DOMException(plain.message, 'AbortError');
    case 'error':
      return withStack(Object.assign(new Error(plain.message), { name: plain.name }), plain.stack);
    case 'other':
      return plain.value;
  }
}

const withStack = (error: Error, stack: string | undefined): Error => Object.assign(error, stack ? { stack } : {});

interface Thrown {
  value: unknown;
}
/** Comlink knows a thrown value by this handler alone; its own keeps message and stack only. */
export function installErrorTransfer(): void {
  const own = Comlink.transferHandlers.get('throw');
  if (!own) throw new Error('Comlink has no handler “throw” any more');
  Comlink.transferHandlers.set('throw', {
    canHandle: own.canHandle as (value: unknown) => value is Thrown,
    serialize: ({ value }: Thrown) => [toPlain(value), []],
    deserialize: (plain: Plain) => {
      throw fromPlain(plain);
    },
  });
}
