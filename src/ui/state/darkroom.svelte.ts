// The whole state of the page, built once in App.svelte and passed down by context: one small class a noun.
import { createContext } from 'svelte';
import { en, type Messages } from '../messages.ts';
import { Baseline } from './baseline.svelte.ts';
import { Compare } from './compare.svelte.ts';
import { Forecasts } from './forecast.svelte.ts';
import { Gpu } from './gpu.svelte.ts';
import { Model } from './model.svelte.ts';
import { Naming } from './naming.svelte.ts';
import { Photos } from './photos.svelte.ts';
import { Project } from './project.svelte.ts';
import { Route, type Screen } from './route.svelte.ts';
import { Run } from './run.svelte.ts';
import { Setup } from './setup.svelte.ts';
import type { StudioCalls } from './studio.ts';
import { Theme } from './theme.svelte.ts';
import { Announcements, Toasts } from './toasts.svelte.ts';

export interface LampLight {
  kind: 'off' | 'working' | 'paused' | 'trouble';
  text: string;
  screen: Screen;
}

export class Darkroom {
  readonly route = new Route();
  readonly theme = new Theme();
  readonly toasts = new Toasts();
  readonly announcements = new Announcements();
  readonly gpu: Gpu;
  readonly model: Model;
  readonly photos: Photos;
  readonly naming: Naming;
  readonly baseline: Baseline;
  readonly setup: Setup;
  readonly forecasts: Forecasts;
  readonly run: Run;
  readonly compare: Compare;
  readonly project: Project;
  readonly studio: StudioCalls;

  readonly done: Record<Screen, boolean> = $derived.by(() => ({
    model: this.model.ready,
    photos: this.photos.inUse.length > 0,
    name: this.naming.complete,
    train: this.run.summary !== null,
    compare: false,
  }));
  readonly lamp: LampLight = $derived.by(() => this.#light());

  constructor(studio: StudioCalls) {
    this.studio = studio;
    this.gpu = new Gpu(studio);
    this.model = new Model(studio);
    this.photos = new Photos(studio, () => this.model.opened());
    this.naming = new Naming(studio, () => this.model.opened());
    this.baseline = new Baseline(studio);
    this.setup = new Setup(
      () => this.photos.inUse.length,
      () => this.model.chosen,
    );
    this.forecasts = new Forecasts(studio);
    this.run = new Run(studio);
    this.compare = new Compare(studio);
    this.project = new Project(studio, this.model, this.photos, this.naming, this.setup, this.run);
  }

  /** Every word on the page. One language today; a second is one more object of the same type. */
  get t(): Messages {
    return en;
  }

  /** What a reload brings back: the GPU is asked, the project read, its model opened again. */
  async start(): Promise<void> {
    void this.gpu.inspect();
    await this.project.load();
    void this.run.find();
    if (this.model.chosen) await this.model.open(this.model.chosen);
  }

  #light(): LampLight {
    const { lamp } = this.t;
    const { run, baseline, compare, model } = this;
    if (run.state === 'failed') return { kind: 'trouble', text: lamp.trouble, screen: 'train' };
    if (run.state === 'paused') return { kind: 'paused', text: lamp.paused(run.step), screen: 'train' };
    const drawing = baseline.drawing !== null || compare.drawing;
    if (run.busy)
      return { kind: 'working', text: drawing ? lamp.drawingThenTraining : lamp.training(run.share), screen: 'train' };
    if (compare.drawing) return { kind: 'working', text: lamp.drawing, screen: 'compare' };
    if (baseline.drawing !== null) return { kind: 'working', text: lamp.drawing, screen: 'name' };
    if (model.progress) return { kind: 'working', text: lamp.opening(model.progress), screen: 'model' };
    return { kind: 'off', text: lamp.off, screen: 'train' };
  }
}

export const [useDarkroom, setDarkroom] = createContext<Darkroom>();
