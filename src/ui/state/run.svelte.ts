// The run: the worker's training events gathered, four times a second at most, into what the page shows; start, pause, resume, stop.
import type { Progress, RunSummary, TrainEvent, TrainingJob } from '../../worker/api.ts';
import {
  finished,
  goingOn,
  newRun,
  type Preview,
  type RunState,
  type RunView,
  share,
  storedRun,
  withEvents,
  withPictures,
} from '../train/run-view.ts';
import { bestDot, verdict } from '../train/verdict.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';
import { tab } from './tab.ts';

export type { RunState } from '../train/run-view.ts';

const restMs = 250;

export class Run {
  id = $state<string | null>(null);
  /** The run that a reload brings back: on screen last, and stored at least once. One that never came so far takes no other's place. */
  recorded = $state<string | null>(null);
  job = $state.raw<TrainingJob | null>(null);
  /** null until a run begins or a stored one is shown. */
  view = $state.raw<RunView | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  /** The worker's train() is under way in this page. */
  live = $state(false);
  previewAsked = $state(false);
  /** The sketch that is being decoded in full. */
  developing = $state.raw<{ step: number; progress: Progress | null } | null>(null);
  /** How long the run took in this page, once it has ended. */
  tookMs = $state<number | null>(null);
  /** 'running' | 'paused': stored by an earlier visit, not yet taken up. */
  readonly waiting = $derived(this.view !== null && !this.live && this.view.summary === null && this.trouble === null);
  readonly state: RunState = $derived.by(() => this.#state());
  readonly active = $derived(this.live);
  /** It is stored, and takes steps in this tab. */
  readonly goesOn = $derived(this.live && this.recorded === this.id && this.view?.status === 'running');
  readonly busy = $derived(this.live && this.state !== 'paused');
  readonly step = $derived(this.view?.step ?? 0);
  readonly share = $derived(this.view ? share(this.view) : 0); // 0…1
  readonly percent = $derived(Math.floor(this.share * 100));
  readonly summary: RunSummary | null = $derived(this.view?.summary ?? null);
  readonly previews: Preview[] = $derived(this.view?.previews ?? []);
  readonly best = $derived(this.view ? bestDot(this.view.heldOut) : null);
  readonly verdict = $derived(verdict(this.view?.heldOut ?? []));
  /** This very tab was training it when the page went away: a reload goes on by itself. */
  interrupted = $state(false);
  readonly #studio: StudioCalls;
  #asked = $state<'pause' | 'resume' | 'stop' | null>(null);
  developTrouble = $state.raw<Mishap | null>(null);
  #development: AbortController | null = null;
  #events: TrainEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushedAt = 0;
  #ended = false; // by endNow
  #over: Promise<void> = Promise.resolve();

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Trains to the end, a stop or a failure. With the id of a stored run it goes on from that run's last saved step. */
  start(job: TrainingJob): Promise<void> {
    if (!this.live) this.#over = this.#start(job);
    return this.#over;
  }

  async #start(job: TrainingJob): Promise<void> {
    const before = job.runId === this.id ? this.view : null;
    this.id = job.runId;
    this.job = job;
    this.view = before ? goingOn(before, job.settings) : newRun(job.runId, job.settings);
    this.trouble = null;
    this.tookMs = null;
    this.#asked = null;
    this.#events = [];
    this.#ended = false;
    this.live = true;
    this.interrupted = false;
    tab.set(job.runId);
    const startedAt = performance.now();
    try {
      const summary = await this.#studio.train(new AbortController().signal, job, (event) => this.#on(event));
      this.#flush();
      this.view = finished(this.view, summary);
      this.trouble = null;
      this.tookMs = performance.now() - startedAt;
    } catch (error) {
      this.#flush();
      if (!wasAborted(error)) this.trouble = mishap(error);
      else if (this.#ended) await this.#asStored(job.runId);
      // Stopped before its first step: there is no run, or only the one there was.
      else this.view = before;
      if (!this.view) this.id = null;
    } finally {
      this.live = false;
      tab.set(null);
      this.previewAsked = false;
      this.#asked = null;
    }
  }

  /** The project's run as an earlier visit left it; nothing when this page already has one. */
  async find(): Promise<void> {
    if (this.view || this.live || !this.id) return;
    const id = this.id;
    try {
      const stored = (await this.#studio.runs()).find((run) => run.runId === id);
      if (!stored || this.view || this.live) return;
      await this.show(stored);
      this.interrupted = this.waiting && stored.state === 'running' && tab.get() === id;
      tab.set(null); // once: should it end the page again, the user decides
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  /** Shows a stored run, with the pictures it has drawn of itself, without training it. */
  async show(summary: RunSummary): Promise<void> {
    this.id = this.recorded = summary.runId;
    this.job = null;
    this.trouble = null;
    this.tookMs = null;
    this.view = storedRun(summary);
    await this.#bringPictures();
  }
  /** Whatever was drawn is on the strip again; that it cannot be read is no reason to stop. */
  async #bringPictures(): Promise<void> {
    const { id } = this;
    try {
      const previews = id ? await this.#studio.previews(id) : [];
      if (this.view && this.id === id) this.view = withPictures(this.view, previews);
    } catch (error) {
      console.warn(error);
    }
  }

  /** Back to the settings: the stored run itself stays where it is. */
  leave(): void {
    if (this.live) return;
    this.id = this.recorded = null;
    this.job = null;
    this.view = null;
    this.trouble = null;
  }

  async forget(): Promise<void> {
    const { id } = this;
    this.leave();
    if (id) await this.#studio.forgetRun(id);
  }

  pause(): Promise<void> {
    return this.#ask('pause', () => this.#studio.pause());
  }
  resume(): Promise<void> {
    return this.#ask('resume', () => this.#studio.resume());
  }
  stop(): Promise<void> {
    return this.#ask('stop', () => this.#studio.stop());
  }
  async previewNow(): Promise<void> {
    this.previewAsked = true;
    try {
      await this.#studio.previewNow();
    } catch {
      // Its picture is missing on the strip; what ended it is the run's to say.
    } finally {
      this.previewAsked = false;
    }
  }

  /** Ends it at once, whatever it does: back at its last saved step, from which it can go on. Resolves when it has ended. */
  endNow(): Promise<void> {
    this.#ended = true;
    this.#studio.startAgain();
    return this.#over;
  }

  /** As the store has it: unfinished; nothing, when nothing was saved. */
  async #asStored(runId: string): Promise<void> {
    const stored = (await this.#studio.runs().catch(() => [])).find((run) => run.runId === runId);
    const previews = this.previews.filter(({ step }) => stored && step <= stored.step);
    this.view = stored ? { ...storedRun(stored), previews } : null;
  }

  /** Decodes a sketch in full; the full picture takes its place. Slow where the decoder runs on the processor: it can be ended. */
  async develop(step: number): Promise<void> {
    const { id } = this;
    if (!id || this.developing) return;
    const stop = new AbortController();
    this.#development = stop;
    this.developing = { step, progress: null };
    this.developTrouble = null;
    try {
      const picture = await this.#studio.developPreview(stop.signal, id, step, (progress) => {
        if (this.#development === stop) this.developing = { step, progress };
      });
      if (this.view && this.id === id) this.view = withEvents(this.view, [{ kind: 'preview', step, picture }]);
    } catch (error) {
      if (!wasAborted(error)) this.developTrouble = mishap(error);
    } finally {
      this.developing = null;
    }
  }
  stopDeveloping(): void {
    this.#development?.abort();
  }

  async #ask(what: 'pause' | 'resume' | 'stop', call: () => Promise<void>): Promise<void> {
    this.#asked = what;
    try {
      await call();
    } catch {
      // A worker that was ended meanwhile: if the run goes on in another, the client tells that one.
      if (!this.live) this.#asked = null;
    }
  }

  #state(): RunState {
    if (!this.view) return 'idle';
    if (this.trouble && !this.live) return 'failed';
    if (!this.live) return this.view.summary ? (this.view.status === 'stopped' ? 'stopped' : 'done') : 'paused';
    if (this.#asked === 'stop') return 'stopping';
    if (this.#asked === 'pause') return 'pausing';
    if (this.#asked === 'resume' && this.view.status === 'paused') return 'running';
    return this.view.status === 'failed' ? 'running' : this.view.status;
  }

  #on(event: TrainEvent): void {
    this.#events.push(event);
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#flushedAt + restMs - performance.now());
    this.#timer = setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushedAt = performance.now();
    const events = this.#events;
    if (!this.view || events.length === 0) return;
    this.#events = [];
    this.view = withEvents(this.view, events);
    for (const { kind } of events) {
      if (kind === 'saved') this.recorded = this.id;
      if (kind === 'preview') this.previewAsked = false;
      // Whatever was asked: this is what came of it. A full disk pauses it again.
      if (kind === 'paused' && this.#asked !== 'stop') this.#asked = null;
      if ((kind === 'resumed' || kind === 'step') && this.#asked === 'resume') this.#asked = null;
    }
  }
}
