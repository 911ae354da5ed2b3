// Long calls under their tickets in; each with a signal that cancel(ticket) aborts, its troubles told with where the files came from, out.
import type { FileOrigin } from '../trouble.ts';
import { blaming } from './blame.ts';
import type { Ticket } from './wire.ts';

export interface Tickets {
  /** `origin`: of the files the call reads; where it is not said, the open model's. `file`: the one in question. */
  under<T>(ticket: Ticket, work: (signal: AbortSignal) => Promise<T>, origin?: FileOrigin, file?: string): Promise<T>;
  cancel(ticket: Ticket): void;
}

export function tickets(openModelsOrigin: () => FileOrigin): Tickets {
  const stops = new Map<Ticket, AbortController>();
  return {
    async under(ticket, work, origin = openModelsOrigin(), file) {
      const stop = new AbortController();
      stops.set(ticket, stop);
      try {
        return await blaming(origin, () => work(stop.signal), file);
      } finally {
        stops.delete(ticket);
      }
    },
    cancel: (ticket) => stops.get(ticket)?.abort(),
  };
}
