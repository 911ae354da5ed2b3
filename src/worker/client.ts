// The page's side of the seam: method calls in, the worker's answers out; long calls take an AbortSignal first. It owns the worker.
import type { TrainEvent } from '../training/events.ts';
import type { TrainingJob } from '../training/job.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { type Patience, type RunPatience, runPatience, UNMEASURED } from '../training/silence.ts';
import { Trouble } from '../trouble.ts';
import { type Call, Connection, noAnswer, type Remote } from './connection.ts';
import { installErrorTransfer } from './errors.ts';
import type { Calls, Ticket } from './wire.ts';

export * from './rules.ts';
export type { Calls } from './wire.ts';

const GRACE_MS = 30_000; // a worker that has not let go by then hangs: no submit is that long
const HANGS = 3; // in a row, nothing saved between them: a fourth is not an accident

installErrorTransfer();

const makeWorker = () => new Worker(new URL('./studio.worker.ts', import.meta.url), { type: 'module', name: 'studio' });

/** How often a page that waits looks whether the worker is still there, and how long it may be silent where nothing is measured. */
export interface WatchOptions {
  tickMs?: number;
  unmeasured?: Patience;
}
/** The training under way, as this side knows it. */
interface Underway {
  patience: RunPatience;
  asked: 'pause' | 'resume' | 'stop' | null;
  savedStep: number;
}

/**
 * The studio as the page has it. Aborting openModel, readPhoto or draw rejects with an AbortError once the worker has let go; aborting train
 * is stop(): it resolves with what was trained. A worker that breaks, does not let go or says nothing for long is ended; the next call finds
 * a new one with the same model open. A training goes on there by itself from its last saved step ('no-answer').
 */
export class StudioClient implements Calls {
  #here: Connection | null = null;
  #lastTicket: Ticket = 0;
  #modelId: string | null = null;
  #training: Underway | null = null;
  readonly #make: () => Worker;
  readonly #watch: WatchOptions;

  constructor(make: () => Worker = makeWorker, watch: WatchOptions = {}) {
    this.#make = make;
    this.#watch = watch;
    this.#connect();
  }

  inspect: Calls['inspect'] = () => this.#ask((studio) => studio.inspect());
  tokens: Calls['tokens'] = (text, identifier) =>
    this.#ask((studio) => studio.tokens(text, identifier), this.#openAgain);
  suggestIdentifier: Calls['suggestIdentifier'] = () =>
    this.#ask((studio) => studio.suggestIdentifier(), this.#openAgain);
  models: Calls['models'] = () => this.#ask((studio) => studio.models());
  recognise: Calls['recognise'] = (files) => this.#ask((studio) => studio.recognise(files));
  storage: Calls['storage'] = () => this.#ask((studio) => studio.storage());
  acceptLicence: Calls['acceptLicence'] = (modelId) => this.#ask((studio) => studio.acceptLicence(modelId));
  trustModel: Calls['trustModel'] = (modelId) => this.#ask((studio) => studio.trustModel(modelId));
  doubtModel: Calls['doubtModel'] = (modelId) => this.#ask((studio) => studio.doubtModel(modelId));
  deleteModel: Calls['deleteModel'] = async (modelId) => {
    await this.#ask((studio) => studio.deleteModel(modelId));
    if (this.#modelId === modelId) this.#modelId = null;
  };
  forecast: Calls['forecast'] = (settings) => this.#ask((studio) => studio.forecast(settings), this.#openAgain);
  pause: Calls['pause'] = () => this.#tell('pause');
  resume: Calls['resume'] = () => this.#tell('resume');
  stop: Calls['stop'] = () => this.#tell('stop');
  previewNow: Calls['previewNow'] = () => this.#ask((studio) => studio.previewNow(), this.#openAgain);
  runs: Calls['runs'] = () => this.#ask((studio) => studio.runs());
  previews: Calls['previews'] = (runId) => this.#ask((studio) => studio.previews(runId));
  forgetRun: Calls['forgetRun'] = (runId) => this.#ask((studio) => studio.forgetRun(runId));
  adapters: Calls['adapters'] = () => this.#ask((studio) => studio.adapters());
  adapterFile: Calls['adapterFile'] = (id, moment, layout, numbers) =>
    this.#ask((studio) => studio.adapterFile(id, moment, layout, numbers));
  readAdapter: Calls['readAdapter'] = (name, file) =>
    this.#ask((studio) => studio.readAdapter(name, file), this.#openAgain);
  mergeAdapters: Calls['mergeAdapters'] = (choices) => this.#ask((studio) => studio.mergeAdapters(choices));
  renameAdapter: Calls['renameAdapter'] = (adapterId, name) =>
    this.#ask((studio) => studio.renameAdapter(adapterId, name));
  deleteAdapter: Calls['deleteAdapter'] = (adapterId) => this.#ask((studio) => studio.deleteAdapter(adapterId));
  saveProject: Calls['saveProject'] = (change, known) => this.#ask((studio) => studio.saveProject(change, known));
  loadProject: Calls['loadProject'] = () => this.#ask((studio) => studio.loadProject());
  evidence: Calls['evidence'] = (runId) => this.#ask((studio) => studio.evidence(runId));

  openModel: Calls['openModel'] = async (signal, modelId, onProgress) => {
    const info = await this.#long(signal, (studio, ticket) =>
      studio.openModel(ticket, modelId, this.#connect().hear(onProgress)),
    );
    this.#modelId = modelId;
    this.#connect().opened = true;
    return info;
  };
  fetchModel: Calls['fetchModel'] = (signal, modelId, onTransfer) =>
    this.#long(signal, (studio, ticket) => studio.fetchModel(ticket, modelId, this.#connect().hear(onTransfer, false)));
  importModel: Calls['importModel'] = (signal, files, onTransfer) =>
    this.#long(signal, (studio, ticket) => studio.importModel(ticket, files, this.#connect().hear(onTransfer, false)));
  measure: Calls['measure'] = (signal, settings, onProgress) =>
    this.#long(
      signal,
      (studio, ticket) => studio.measure(ticket, settings, this.#connect().hear(onProgress)),
      this.#openAgain,
    );
  bench: Calls['bench'] = (signal, budgetMs, onProgress) =>
    this.#long(signal, (studio, ticket) => studio.bench(ticket, budgetMs, this.#connect().hear(onProgress)));
  developPreview: Calls['developPreview'] = (signal, runId, step, onProgress) =>
    this.#long(
      signal,
      (studio, ticket) => studio.developPreview(ticket, runId, step, this.#connect().hear(onProgress)),
      this.#openAgain,
    );
  classPictures: Calls['classPictures'] = (set) => this.#ask((studio) => studio.classPictures(set));
  keepClassPicture: Calls['keepClassPicture'] = (set, index, picture) =>
    this.#ask((studio) => studio.keepClassPicture(set, index, picture));
  clearClassPictures: Calls['clearClassPictures'] = (set) => this.#ask((studio) => studio.clearClassPictures(set));
  keepShown: Calls['keepShown'] = (place, shown) => this.#ask((studio) => studio.keepShown(place, shown));
  shown: Calls['shown'] = (place) => this.#ask((studio) => studio.shown(place));
  readPhoto: Calls['readPhoto'] = (signal, id, name, file, known, needs) =>
    this.#long(signal, (studio, ticket) => studio.readPhoto(ticket, id, name, file, known, needs));
  draw: Calls['draw'] = (signal, request, onProgress, unasked) =>
    this.#long(
      signal,
      (studio, ticket) => studio.draw(ticket, request, this.#connect().hear(onProgress), unasked),
      this.#openAgain,
    );

  train: Calls['train'] = async (signal, job, onEvent) => {
    const under: Underway = { patience: runPatience(), asked: null, savedStep: 0 };
    const on = (event: TrainEvent): void => {
      under.patience.hear(event);
      if (event.kind === 'saved' || event.kind === 'resumed') under.savedStep = event.step;
      onEvent(event);
    };
    this.#training = under;
    try {
      for (let hangs = 1, from = 0; ; hangs++) {
        try {
          return await this.#train(signal, under, job, on);
        } catch (error) {
          const step = under.savedStep;
          const silent = error instanceof Trouble && error.code === 'no-answer';
          if (!silent || signal.aborted || under.asked === 'stop') throw silent ? noAnswer(step || undefined) : error;
          if (step > from) [hangs, from] = [1, step];
          if (hangs > HANGS) throw noAnswer(step || undefined);
          on({ kind: 'no-answer', step });
        }
      }
    } finally {
      this.#training = null;
    }
  };

  /** Ends the worker at once, whatever it does: what was saved stays. Calls under way reject with an AbortError; later ones find a new worker. */
  startAgain(): void {
    this.#here?.end(new DOMException('the studio was started again', 'AbortError'));
  }
  /** Ends the worker at once, whatever it does. The client cannot be used afterwards. */
  close(): void {
    this.#here?.end(new DOMException('the studio was closed', 'AbortError'));
  }

  /** The worker; a new one where it was ended, and only when something is asked: its script may be the trouble. */
  #connect(): Connection {
    const { unmeasured = UNMEASURED, tickMs } = this.#watch;
    if (!this.#here || this.#here.ended)
      this.#here = new Connection(this.#make(), () => this.#training?.patience.now ?? unmeasured, tickMs);
    return this.#here;
  }

  /** Whatever needs the model waits until a new worker has it open again. */
  readonly #openAgain: First = (here) => {
    const modelId = this.#modelId;
    if (modelId === null || here.opened) return null;
    here.opening ??= here
      .ask((studio) => studio.openModel(++this.#lastTicket, modelId, here.hear(nobody)))
      .then(() => {
        here.opened = true;
      })
      .finally(() => {
        here.opening = null; // where it failed, the next call tries again
      });
    return here.opening;
  };

  #ask<T>(call: Call<T>, first?: First): Promise<T> {
    const here = this.#connect();
    return here.ask(call, first?.(here));
  }

  #tell(what: 'pause' | 'resume' | 'stop'): Promise<void> {
    if (this.#training) this.#training.asked = what; // a worker that is ended may not have heard it
    return this.#ask((studio) => studio[what]());
  }

  /** A call that `signal` can end. */
  #long<T>(signal: AbortSignal, call: (studio: Remote, ticket: Ticket) => Promise<T>, first?: First): Promise<T> {
    return this.#underTicket(signal, call, first, (giveUp) => {
      const grace = setTimeout(() => {
        const aborted = new DOMException('the studio did not let go', 'AbortError');
        giveUp(aborted);
        // A training is not ended for it: whether that hangs is for the watch to say.
        if (!this.#training) this.#here?.end(noAnswer());
      }, GRACE_MS);
      return () => clearTimeout(grace);
    }).then((answer) => {
      signal.throwIfAborted();
      return answer;
    });
  }

  /** In this worker, or a new one. A pause that the one before did not live to hear is told again. */
  #train(signal: AbortSignal, under: Underway, job: TrainingJob, on: (event: TrainEvent) => void): Promise<RunSummary> {
    const call = async (studio: Remote, ticket: Ticket) => {
      if (under.asked === 'stop') throw noAnswer();
      const answer = studio.train(ticket, job, this.#connect().hear(on));
      if (under.asked === 'pause') void studio.pause();
      return answer;
    };
    // A training takes as long as it needs to keep what was trained.
    return this.#underTicket(signal, call, this.#openAgain, () => () => {});
  }

  async #underTicket<T>(
    signal: AbortSignal,
    call: (studio: Remote, ticket: Ticket) => Promise<T>,
    first: First | undefined,
    onAbort: (giveUp: (reason: unknown) => void) => () => void,
  ): Promise<T> {
    signal.throwIfAborted();
    const ticket = ++this.#lastTicket;
    let giveUp: (reason: unknown) => void = nobody;
    const given = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const unlessAborted = async (studio: Remote) => {
      signal.throwIfAborted(); // while the model was opened again
      return call(studio, ticket);
    };
    let over = () => {};
    const abort = () => {
      void this.#here?.remote.cancel(ticket);
      over = onAbort(giveUp);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#ask(unlessAborted, first), given]);
    } finally {
      over();
      signal.removeEventListener('abort', abort);
    }
  }
}

/** What must have happened in a worker before it is asked; null: it has. */
type First = (here: Connection) => Promise<unknown> | null;
const nobody = () => {};
