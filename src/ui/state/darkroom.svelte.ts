// The whole state of the page, built once in App.svelte and passed down by context: one small class a noun.
import { createContext } from 'svelte';
import type { ModelListing } from '../../worker/api.ts';
import { classSentence, tasteOf } from '../../worker/client.ts';
import { type Device, device } from '../device.ts';
import { en, type Messages } from '../messages.ts';
import { Baseline } from './baseline.svelte.ts';
import { type ClassAsked, ClassPictures } from './class-pictures.svelte.ts';
import { Compare } from './compare.svelte.ts';
import { Forecasts } from './forecast.svelte.ts';
import { Gpu } from './gpu.svelte.ts';
import { Intake } from './intake.svelte.ts';
import { Library } from './library.svelte.ts';
import { Model } from './model.svelte.ts';
import { demoId, fullId, Models } from './models.svelte.ts';
import { Naming } from './naming.svelte.ts';
import { Photos } from './photos.svelte.ts';
import { Project } from './project.svelte.ts';
import { Reading } from './reading.svelte.ts';
import { Route, type Screen } from './route.svelte.ts';
import { Run } from './run.svelte.ts';
import { Setup } from './setup.svelte.ts';
import type { StudioCalls } from './studio.ts';
import { Theme } from './theme.svelte.ts';
import { Announcements, Toasts } from './toasts.svelte.ts';
import { Transfers } from './transfers.svelte.ts';

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
  readonly models: Models;
  readonly transfers: Transfers;
  readonly model: Model;
  readonly photos: Photos;
  readonly naming: Naming;
  readonly reading: Reading;
  readonly baseline: Baseline;
  readonly setup: Setup;
  readonly forecasts: Forecasts;
  readonly classes: ClassPictures;
  readonly run: Run;
  readonly compare: Compare;
  readonly library: Library;
  readonly project: Project;
  readonly intake: Intake;
  readonly studio: StudioCalls;
  /** What shows this page. */
  readonly device: Device = device;

  readonly done: Record<Screen, boolean> = $derived.by(() => ({
    model: this.model.ready,
    photos: this.photos.inUse.length > 0,
    name: this.naming.complete,
    train: this.run.summary !== null,
    compare: false,
    bench: false,
    library: false,
    models: false,
  }));
  readonly lamp: LampLight = $derived.by(() => this.#light());

  constructor(studio: StudioCalls) {
    this.studio = studio;
    this.gpu = new Gpu(studio);
    this.models = new Models(studio);
    this.model = new Model(studio);
    this.transfers = new Transfers(studio, this.models, (id) => {
      if (this.model.chosen === id) void this.model.open(id);
    });
    this.photos = new Photos(studio, () => this.needs);
    this.naming = new Naming(studio, () => this.model.opened());
    this.reading = new Reading(studio, () => this.model.info?.id ?? null);
    this.setup = new Setup(
      () => this.photos.inUse.length,
      () => this.model,
    );
    const canvas = () => ({ size: this.setup.settings.resolution, weights: this.setup.settings.weights });
    const chosen = () => this.model.chosen;
    this.baseline = new Baseline(studio, canvas, chosen);
    this.forecasts = new Forecasts(studio);
    this.classes = new ClassPictures(studio, () => this.#classAsked());
    this.run = new Run(studio);
    this.compare = new Compare(studio, canvas, () => this.model.next(), chosen);
    this.library = new Library(studio, this.compare);
    const { model, photos, naming, setup, run } = this;
    const modelChanged = () => {
      this.baseline.clear();
      this.compare.clear();
    };
    this.project = new Project(studio, { model, photos, naming, setup, run, modelChanged });
    this.intake = new Intake(this);
  }

  /** Every word on the page. One language today; a second is one more object of the same type. */
  get t(): Messages {
    return en;
  }

  /** The row that is marked on the Model screen: the user's, the project's, or the one that suits this computer. */
  get picked(): ModelListing {
    const { models, model, gpu } = this;
    const fit = !gpu.missing && gpu.report?.kind !== 'software' && this.device.kind === 'computer';
    return (
      models.of(models.picked) ?? models.of(model.chosen) ?? (fit ? models.of(fullId) : null) ?? models.of(demoId)!
    );
  }

  /** The class pictures that the settings of now ask for. */
  #classAsked(): ClassAsked {
    const { classPictures, classPrompt, seed, resolution, weights } = this.setup.settings;
    const modelId = this.model.chosen;
    const { sampler, guidance } = tasteOf(modelId);
    const prompt = classSentence(classPrompt, this.naming.noun);
    return { modelId, count: classPictures, request: { prompt, seed, size: resolution, weights, sampler, guidance } };
  }

  /** px that a photo's short side should have. */
  get needs(): number {
    return this.setup.settings.resolution;
  }

  /** Takes a model for this project: opened at once when it is here, else when it has arrived. */
  use(modelId: string): void {
    if (this.model.chosen !== modelId) {
      this.baseline.clear();
      this.compare.clear();
    }
    this.model.choose(modelId);
    if (this.models.isHere(modelId)) void this.model.open(modelId);
  }

  /** Deletes a stored model. Adapters and runs made with it are kept. */
  async removeModel(modelId: string): Promise<void> {
    if (this.model.chosen === modelId) this.model.close();
    await this.transfers.cancel(modelId);
  }

  /** What a reload brings back: the GPU is asked, the project read, its model opened again if it is here. */
  async start(): Promise<void> {
    void this.gpu.inspect();
    await Promise.all([this.project.load(), this.models.refresh()]);
    void this.run.find();
    void this.baseline.bringBack();
    await this.openChosen();
  }

  /** This project's model, as soon as it is here: after a reload, or when another tab chose it. */
  async openChosen(): Promise<void> {
    const { chosen, ready, opening, trouble } = this.model;
    if (chosen && !ready && !opening && !trouble && this.models.isHere(chosen)) await this.model.open(chosen);
  }
  /** The tab is looked at again: what other tabs did meanwhile is taken over. */
  async seen(): Promise<void> {
    if (!this.project.loaded) return;
    await this.project.catchUp(true);
    void this.run.find();
    await this.openChosen();
  }

  #light(): LampLight {
    const { lamp } = this.t;
    const { run, baseline, compare, model, transfers, forecasts } = this;
    if (run.state === 'failed') return { kind: 'trouble', text: lamp.trouble, screen: 'train' };
    if (run.state === 'paused') return { kind: 'paused', text: lamp.paused(run.step), screen: 'train' };
    const drawing = baseline.drawing !== null || compare.drawing;
    if (run.busy)
      return { kind: 'working', text: drawing ? lamp.drawingThenTraining : lamp.training(run.share), screen: 'train' };
    if (compare.begun) return { kind: 'working', text: lamp.drawing, screen: 'compare' };
    if (baseline.drawing !== null) return { kind: 'working', text: lamp.drawing, screen: 'name' };
    if (forecasts.measuring) return { kind: 'working', text: lamp.measuring, screen: 'train' };
    if (transfers.current) {
      const { kind } = transfers.current;
      return { kind: 'working', text: lamp.transfer(kind, transfers.share), screen: 'model' };
    }
    if (transfers.trouble) return { kind: 'trouble', text: lamp.trouble, screen: 'model' };
    if (model.progress) return { kind: 'working', text: lamp.opening(model.progress), screen: 'model' };
    return { kind: 'off', text: lamp.off, screen: 'train' };
  }
}

export const [useDarkroom, setDarkroom] = createContext<Darkroom>();
