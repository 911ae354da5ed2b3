// The page's side of the seam: method calls in, the worker's answers out; long calls take an AbortSignal first. It owns the worker.
import * as Comlink from 'comlink';
import type { Studio } from './api.ts';
import { installErrorTransfer } from './errors.ts';
import type { LongMethod, Ticket, WireStudio } from './wire.ts';

/** How a model's pictures are asked for: the same for the page and for the worker's previews. */
export { tasteOf } from '../diffusion/picture-taste.ts';

type SignalFirst<F> = F extends (...rest: infer A) => infer R ? (signal: AbortSignal, ...rest: A) => R : never;
type Calls = Omit<Studio, LongMethod> & { [K in LongMethod]: SignalFirst<Studio[K]> };

const GRACE_MS = 30_000; // a worker that has not let go by then hangs: no submit is that long

installErrorTransfer();

const makeWorker = () => new Worker(new URL('./studio.worker.ts', import.meta.url), { type: 'module', name: 'studio' });

/**
 * The studio as the page has it. Aborting openModel, readPhoto or draw rejects with an AbortError once the worker has let go; aborting train
 * is stop(): it resolves with what was trained. A worker that does not let go is ended and replaced: what was stored stays.
 */
export class StudioClient implements Calls {
  #worker: Worker;
  #remote: Comlink.Remote<WireStudio>;
  #lastTicket: Ticket = 0;
  #modelId: string | null = null;
  /** The calls under way: told when the worker breaks or is ended, since no answer comes any more. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  readonly #make: () => Worker;

  constructor(make: () => Worker = makeWorker) {
    this.#make = make;
    [this.#worker, this.#remote] = this.#begin();
  }

  inspect: Calls['inspect'] = () => this.#ask((studio) => studio.inspect());
  tokens: Calls['tokens'] = (text, identifier) => this.#ask((studio) => studio.tokens(text, identifier));
  suggestIdentifier: Calls['suggestIdentifier'] = () => this.#ask((studio) => studio.suggestIdentifier());
  models: Calls['models'] = () => this.#ask((studio) => studio.models());
  storage: Calls['storage'] = () => this.#ask((studio) => studio.storage());
  acceptLicence: Calls['acceptLicence'] = (modelId) => this.#ask((studio) => studio.acceptLicence(modelId));
  trustModel: Calls['trustModel'] = (modelId) => this.#ask((studio) => studio.trustModel(modelId));
  doubtModel: Calls['doubtModel'] = (modelId) => this.#ask((studio) => studio.doubtModel(modelId));
  deleteModel: Calls['deleteModel'] = (modelId) => this.#ask((studio) => studio.deleteModel(modelId));
  forecast: Calls['forecast'] = (settings) => this.#ask((studio) => studio.forecast(settings));
  pause: Calls['pause'] = () => this.#ask((studio) => studio.pause());
  resume: Calls['resume'] = () => this.#ask((studio) => studio.resume());
  stop: Calls['stop'] = () => this.#ask((studio) => studio.stop());
  previewNow: Calls['previewNow'] = () => this.#ask((studio) => studio.previewNow());
  runs: Calls['runs'] = () => this.#ask((studio) => studio.runs());
  previews: Calls['previews'] = (runId) => this.#ask((studio) => studio.previews(runId));
  forgetRun: Calls['forgetRun'] = (runId) => this.#ask((studio) => studio.forgetRun(runId));
  adapters: Calls['adapters'] = () => this.#ask((studio) => studio.adapters());
  adapterFile: Calls['adapterFile'] = (id, moment, layout) =>
    this.#ask((studio) => studio.adapterFile(id, moment, layout));
  readAdapter: Calls['readAdapter'] = (name, file) => this.#ask((studio) => studio.readAdapter(name, file));
  deleteAdapter: Calls['deleteAdapter'] = (adapterId) => this.#ask((studio) => studio.deleteAdapter(adapterId));
  saveProject: Calls['saveProject'] = (project) => this.#ask((studio) => studio.saveProject(project));
  loadProject: Calls['loadProject'] = () => this.#ask((studio) => studio.loadProject());
  evidence: Calls['evidence'] = (runId) => this.#ask((studio) => studio.evidence(runId));

  openModel: Calls['openModel'] = async (signal, modelId, onProgress) => {
    const heard = Comlink.proxy(onProgress);
    const info = await this.#long(signal, (studio, ticket) => studio.openModel(ticket, modelId, heard));
    this.#modelId = modelId;
    return info;
  };
  fetchModel: Calls['fetchModel'] = (signal, modelId, onTransfer) => {
    const heard = Comlink.proxy(onTransfer);
    return this.#long(signal, (studio, ticket) => studio.fetchModel(ticket, modelId, heard));
  };
  importModel: Calls['importModel'] = (signal, files, onTransfer) => {
    const heard = Comlink.proxy(onTransfer);
    return this.#long(signal, (studio, ticket) => studio.importModel(ticket, files, heard));
  };
  measure: Calls['measure'] = (signal, settings, onProgress) => {
    const heard = Comlink.proxy(onProgress);
    return this.#long(signal, (studio, ticket) => studio.measure(ticket, settings, heard));
  };
  developPreview: Calls['developPreview'] = (signal, runId, step, onProgress) => {
    const heard = Comlink.proxy(onProgress);
    return this.#long(signal, (studio, ticket) => studio.developPreview(ticket, runId, step, heard));
  };
  readPhoto: Calls['readPhoto'] = (signal, name, file, known, needs) =>
    this.#long(signal, (studio, ticket) => studio.readPhoto(ticket, name, file, known, needs));
  draw: Calls['draw'] = (signal, request, onProgress) => {
    const heard = Comlink.proxy(onProgress);
    return this.#long(signal, (studio, ticket) => studio.draw(ticket, request, heard));
  };
  train: Calls['train'] = (signal, job, onEvent) => {
    const heard = Comlink.proxy(onEvent);
    return this.#long(signal, (studio, ticket) => studio.train(ticket, job, heard), 'resolves');
  };

  /** Ends the worker at once, whatever it does. The client cannot be used afterwards. */
  close(): void {
    this.#end(new DOMException('the studio was closed', 'AbortError'));
  }

  #begin(): [Worker, Comlink.Remote<WireStudio>] {
    const worker = this.#make();
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(new Error(`the studio worker broke: ${event.message || 'its script could not be loaded'}`));
    });
    const remote = Comlink.wrap<WireStudio>(worker);
    void remote.begin(globalThis.document?.baseURI ?? ''); // messages keep their order: it is known before the first call
    return [worker, remote];
  }

  #ask<T>(call: (studio: Comlink.Remote<WireStudio>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      call(this.#remote)
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  /** A call that `signal` can end. `whenAborted`: whether the worker then still has an answer to give. */
  async #long<T>(
    signal: AbortSignal,
    call: (studio: Comlink.Remote<WireStudio>, ticket: Ticket) => Promise<T>,
    whenAborted: 'rejects' | 'resolves' = 'rejects',
  ): Promise<T> {
    signal.throwIfAborted();
    const ticket = ++this.#lastTicket;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      void this.#remote.cancel(ticket);
      // A training takes as long as it needs to keep what was trained.
      if (whenAborted === 'rejects') grace = setTimeout(() => this.#replace(), GRACE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = await this.#ask((studio) => call(studio, ticket));
      if (whenAborted === 'rejects') signal.throwIfAborted();
      return answer;
    } finally {
      clearTimeout(grace);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #fail(reason: unknown): void {
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  #end(reason: unknown): void {
    this.#worker.terminate();
    this.#fail(reason);
  }

  /** A new worker in the hanging one's place, with the same model open. */
  #replace(): void {
    this.#end(new DOMException('the studio did not answer and was started again', 'AbortError'));
    [this.#worker, this.#remote] = this.#begin();
    if (this.#modelId !== null)
      void this.#remote.openModel(
        ++this.#lastTicket,
        this.#modelId,
        Comlink.proxy(() => {}),
      );
  }
}
