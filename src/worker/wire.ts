// What really crosses between page and worker: the Studio's methods, the long ones with a ticket first by which they can be ended.
import type { Studio } from './api.ts';

export type LongMethod =
  | 'openModel'
  | 'fetchModel'
  | 'importModel'
  | 'readPhoto'
  | 'measure'
  | 'bench'
  | 'draw'
  | 'developPreview'
  | 'train';
export type Ticket = number;

type SignalFirst<F> = F extends (...rest: infer A) => infer R ? (signal: AbortSignal, ...rest: A) => R : never;
/** As the page calls them: the long ones with a signal first. */
export type Calls = Omit<Studio, LongMethod> & { [K in LongMethod]: SignalFirst<Studio[K]> };

type TicketFirst<F> = F extends (...rest: infer A) => infer R ? (ticket: Ticket, ...rest: A) => R : never;
export type WireStudio = Omit<Studio, LongMethod> & { [K in LongMethod]: TicketFirst<Studio[K]> } & {
  /** First of all calls: the page's address, which models are found relative to (a worker's own lies elsewhere). */
  begin(page: string): Promise<void>;
  /** A sign of life. */
  ping(): Promise<void>;
  /** Ends the call with this ticket at its next boundary; nothing happens if it has ended. */
  cancel(ticket: Ticket): Promise<void>;
};
