// The run: the worker's training events gathered into what the page shows; start, pause, resume, stop.
import type { Picture, Progress, RunSummary, TrainEvent, TrainingJob } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export type RunState = 'idle' | 'preparing' | 'running' | 'paused' | 'stopping' | 'stopped' | 'done' | 'failed';
export type Planned = Extract<TrainEvent, { kind: 'planned' }>;
export type StepNumbers = Extract<TrainEvent, { kind: 'step' }>;

export class Run {
  id = $state<string | null>(null);
  job = $state.raw<TrainingJob | null>(null);
  state = $state<RunState>('idle');
  progress = $state.raw<Progress | null>(null);
  planned = $state.raw<Planned | null>(null);
  latest = $state.raw<StepNumbers | null>(null);
  losses = $state.raw<number[]>([]);
  heldOut = $state.raw<{ step: number; loss: number }[]>([]);
  heldOutOn = $state<'kept-aside' | 'training'>('training');
  previews = $state.raw<{ step: number; picture: Picture }[]>([]);
  savedStep = $state(0);
  /** Steps where the run was paused, reloaded or lost its device: the notches of the curve. */
  notches = $state.raw<number[]>([]);
  summary = $state.raw<RunSummary | null>(null);
  trouble = $state.raw<Mishap | null>(null);

  readonly step = $derived(this.latest?.step ?? this.losses.length);
  readonly steps = $derived(this.job?.settings.steps ?? this.summary?.settings.steps ?? 0);
  readonly share = $derived(this.steps ? this.step / this.steps : 0); // 0…1
  readonly active = $derived(['preparing', 'running', 'paused', 'stopping'].includes(this.state));
  readonly busy = $derived(this.active && this.state !== 'paused');
  readonly best = $derived(this.heldOut.length ? this.heldOut.reduce((a, b) => (b.loss < a.loss ? b : a)) : null);
  readonly #studio: StudioCalls;
  #losses: number[] = [];

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Trains to the end, a stop or a failure. With the id of a stored run it goes on from that run's last saved step. */
  async start(job: TrainingJob): Promise<void> {
    if (this.active) return;
    if (job.runId !== this.id) this.#forget();
    this.id = job.runId;
    this.job = job;
    this.state = 'preparing';
    this.trouble = null;
    this.summary = null;
    try {
      this.summary = await this.#studio.train(new AbortController().signal, job, (event) => this.#on(event));
      this.state = this.summary.state === 'stopped' ? 'stopped' : 'done';
    } catch (error) {
      this.trouble = mishap(error);
      this.state = 'failed';
    } finally {
      this.progress = null;
    }
  }

  /** Shows a stored run without training it. */
  show(summary: RunSummary): void {
    this.#forget();
    this.id = summary.runId;
    this.summary = summary;
    this.#losses = [...summary.losses];
    this.losses = this.#losses;
    this.heldOut = summary.heldOut;
    this.heldOutOn = summary.heldOutOn;
    this.savedStep = summary.step;
    this.state = summary.state === 'done' || summary.state === 'stopped' ? summary.state : 'paused';
  }

  pause(): Promise<void> {
    return this.#studio.pause();
  }
  async resume(): Promise<void> {
    await this.#studio.resume();
    if (this.state === 'paused') this.state = 'running';
  }
  stop(): Promise<void> {
    this.state = 'stopping';
    return this.#studio.stop();
  }
  previewNow(): Promise<void> {
    return this.#studio.previewNow();
  }

  #on(event: TrainEvent): void {
    switch (event.kind) {
      case 'progress':
        this.progress = event.progress;
        break;
      case 'planned':
        this.planned = event;
        break;
      case 'step':
        if (this.state === 'preparing' || this.state === 'paused') this.state = 'running';
        this.latest = event;
        this.#losses[event.step - 1] = event.loss;
        this.losses = this.#losses.slice();
        break;
      case 'held-out':
        this.heldOutOn = event.on;
        this.heldOut = [
          ...this.heldOut.filter(({ step }) => step !== event.step),
          { step: event.step, loss: event.loss },
        ];
        break;
      case 'preview':
        this.previews = [...this.previews.filter(({ step }) => step !== event.step), event];
        break;
      case 'saved':
        this.savedStep = event.step;
        break;
      case 'paused':
        this.state = 'paused';
        this.notches = [...this.notches, event.step];
        break;
      case 'resumed':
      case 'device-lost':
        this.#losses.length = Math.min(this.#losses.length, event.step);
        this.notches = [...this.notches, event.step];
        break;
    }
  }

  #forget(): void {
    this.#losses = [];
    this.losses = [];
    this.heldOut = [];
    this.previews = [];
    this.notches = [];
    this.savedStep = 0;
    this.latest = null;
    this.planned = null;
    this.summary = null;
  }
}
