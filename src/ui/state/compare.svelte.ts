// Compare: one prompt and seed drawn without and with an adapter, at a strength and a moment, then a strip of strengths; both downloads.
import type {
  AdapterFile,
  AdapterInfo,
  AdapterLayout,
  AdapterNumbers,
  DrawRequest,
  Picture,
} from '../../worker/api.ts';
import { tasteOf } from '../../worker/client.ts';
import type { Canvas } from './baseline.svelte.ts';
import { Beside } from './beside.svelte.ts';
import { DrawQueue } from './draw-queue.svelte.ts';
import { lastScene, type Scene, sentence, shownCells } from './scene.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export const bands = [0, 0.25, 0.5, 0.75, 1, 1.25] as const;
export const mostStrength = 1.25;

export class Compare {
  adapters = $state.raw<AdapterInfo[]>([]);
  adapter = $state.raw<AdapterInfo | null>(null);
  prompt = $state('');
  negativePrompt = $state('');
  seed = $state(42);
  sampler = $state(tasteOf(null).sampler);
  steps = $state(tasteOf(null).steps);
  guidance = $state(tasteOf(null).guidance);
  /** As A1111 counts: 1 is the whole text encoder. Opening an adapter sets it to the one that it was trained with. */
  clipSkip = $state(1);
  strength = $state(1);
  moment = $state<number | null>(null); // null = the best
  layout = $state<AdapterLayout>('kohya');
  /** Of the download; null: as its layout's programs write them. */
  numbers = $state<AdapterNumbers | null>(null);
  readonly beside: Beside;
  view = $state<'side-by-side' | 'wipe'>('side-by-side');
  /** The strip is wanted: not while training, and not on a slow card until asked for. */
  strip = $state(true);
  /** A strength the thumb is over, not yet let go. */
  aimed = $state<number | null>(null);
  /** A file that could not be opened: what its trouble's button does something with. */
  offered: File | null = null;
  scene = $state.raw<Scene | null>(null);
  /** The run whose adapter was put on screen when it ended; a newer run's takes its place once. */
  lastRun: string | null = null;
  trouble = $state.raw<Mishap | null>(null);
  readonly #queue: DrawQueue;
  readonly drawing = $derived.by(() => this.#queue.current !== null);
  readonly begun = $derived.by(() => this.#queue.begun);
  readonly progress = $derived.by(() => this.#queue.progress);
  readonly without: Picture | null = $derived(this.at(0));
  readonly with: Picture | null = $derived(this.at(this.strength));
  /** The typed prompt or its settings are not those of the pictures on screen. */
  readonly stale = $derived(this.scene !== null && JSON.stringify(this.scene) !== JSON.stringify(this.#typed()));
  readonly #studio: StudioCalls;
  readonly #canvas: () => Canvas;
  readonly #nextModel: () => Promise<void>;
  readonly #model: () => string | null;
  #broughtBack = false;

  /**
   * `canvas`: size and weights of every picture, as a run of now would have them. `nextModel`: when a model is opened the next time.
   * `model`: the one that is chosen, whose pictures these are.
   */
  constructor(
    studio: StudioCalls,
    canvas: () => Canvas,
    nextModel: () => Promise<void>,
    model: () => string | null = () => null,
  ) {
    this.#studio = studio;
    this.beside = new Beside(studio, () => this.goOn());
    this.#canvas = canvas;
    this.#nextModel = nextModel;
    this.#model = model;
    this.#queue = new DrawQueue(studio, {
      wanted: () => [this.strength, 0, ...(this.strip ? bands : [])].map((strength) => this.request(strength)),
      onPicture: () => this.#keepShown(),
      onTrouble: (error) => {
        this.trouble = mishap(error);
      },
    });
  }

  async list(): Promise<void> {
    try {
      this.adapters = (await this.#studio.adapters()).toSorted((a, b) => b.createdAt - a.createdAt);
      const { adapter } = this;
      await this.#bringBack();
      if (adapter) this.adapter = this.adapters.find((known) => known.adapterId === adapter.adapterId) ?? adapter;
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  /** Puts an adapter on screen. The prompt becomes its name sentence, steps and guidance what its model likes, unless the user chose their own. */
  open(adapter: AdapterInfo): void {
    const own = this.prompt !== '' && this.prompt !== sentence(this.adapter);
    if (this.adapter?.adapterId === adapter.adapterId && this.adapter.moments.length === adapter.moments.length) return;
    this.stop();
    const [usual, taste] = [tasteOf(this.adapter?.modelId ?? null), tasteOf(adapter.modelId)];
    // A sampler and its number of steps belong together.
    if (this.sampler === usual.sampler && this.steps === usual.steps)
      [this.sampler, this.steps] = [taste.sampler, taste.steps];
    if (this.guidance === usual.guidance) this.guidance = taste.guidance;
    this.adapter = adapter;
    this.clipSkip = adapter.clipSkip ?? 1;
    this.moment = null;
    this.strength = 1;
    this.beside.clear();
    this.trouble = this.offered = null;
    if (!own) this.prompt = sentence(adapter);
  }

  /** "Make picture": *without* is drawn again only when the scene changed. `unasked`: nobody pressed anything. */
  draw(unasked = false): Promise<void> {
    this.offered = null;
    this.scene = this.#typed();
    return this.#changed(unasked);
  }
  setStrength(strength: number): Promise<void> {
    this.aimed = null;
    this.strength = Math.round(Math.min(mostStrength, Math.max(0, strength)) * 100) / 100;
    return this.#changed();
  }
  setMoment(moment: number | null): Promise<void> {
    this.moment = moment === this.adapter?.bestStep ? null : moment;
    return this.#changed();
  }
  drawStrip(on: boolean): Promise<void> {
    this.strip = on;
    return this.#changed();
  }

  /** The picture of a strength in this scene, when it is drawn. */
  at(strength: number): Picture | null {
    return this.#queue.at(this.request(strength));
  }
  /** Until a strength is drawn: the nearest that is, without counting *without*. */
  nearest(strength: number): Picture | null {
    const known = bands.filter((band) => band > 0).map((band) => ({ band, picture: this.at(band) }));
    const drawn = known.filter((other) => other.picture !== null);
    return drawn.toSorted((a, b) => Math.abs(a.band - strength) - Math.abs(b.band - strength))[0]?.picture ?? null;
  }
  isDrawing(strength: number): boolean {
    return this.#queue.isDrawing(this.request(strength));
  }

  request(strength: number): DrawRequest | null {
    if (!this.scene) return null;
    if (strength === 0) return { ...this.scene, adapterId: null, moment: null, strength: 0 };
    const own = this.adapter && { adapterId: this.adapter.adapterId, moment: this.moment, strength };
    return own ? { ...this.scene, ...own, ...this.beside.asked } : null;
  }

  /** Draws what is missing of the pictures on screen. */
  goOn(unasked = false): Promise<void> {
    return this.scene ? this.#changed(unasked) : Promise.resolve();
  }
  /** Stops what is drawn and asks for nothing more; the pictures stay. */
  stop(): void {
    this.#queue.stop();
  }

  /** Another model: the pictures are not its. */
  clear(): void {
    this.#queue.clear();
    this.scene = null;
    this.trouble = null;
  }

  /** The moment and layout on screen. */
  file(adapter: AdapterInfo): Promise<AdapterFile> {
    return this.#studio.adapterFile(adapter.adapterId, this.moment, this.layout, this.numbers ?? undefined);
  }
  /** Opens a LoRA file. One that needs a model, or another one, is kept and opened once such a model is. */
  async read(file: File): Promise<void> {
    this.offered = file;
    this.trouble = null;
    const opened = this.#nextModel();
    try {
      const adapter = await this.#studio.readAdapter(file.name, file);
      this.offered = null;
      await this.list();
      this.open(adapter);
    } catch (error) {
      this.trouble = mishap(error);
      const { code } = this.trouble;
      if (code === 'no-model' || code === 'adapter-mismatch')
        void opened.then(() => (this.offered === file ? this.read(file) : undefined));
    }
  }
  /** What is on screen was deleted elsewhere. */
  async lookAgain(): Promise<void> {
    this.stop();
    this.trouble = null;
    this.moment = null;
    const { adapter } = this;
    this.adapter = null;
    await this.list();
    const next = this.adapters.find(({ adapterId }) => adapterId === adapter?.adapterId) ?? this.adapters[0];
    if (next) this.open(next);
  }
  /** Keeps what is on screen, each with its strength, as one adapter, and puts that on screen. */
  async merge(): Promise<AdapterInfo | null> {
    const { adapter, moment, strength } = this;
    if (!adapter) return null;
    try {
      const made = await this.beside.merge({ adapterId: adapter.adapterId, moment, strength });
      await this.list();
      this.open(made);
      return made;
    } catch (error) {
      this.trouble = mishap(error);
      return null;
    }
  }
  async remove(adapter: AdapterInfo): Promise<void> {
    if (this.beside.strengthOf(adapter.adapterId) !== null) await this.beside.set(adapter.adapterId, null);
    if (this.adapter?.adapterId === adapter.adapterId) {
      this.stop();
      this.adapter = null;
    }
    await this.#studio.deleteAdapter(adapter.adapterId);
    await this.list();
  }

  /** After a reload: the scene that was on screen last, if its model and adapter are still here. Nothing is drawn for it. */
  async #bringBack(): Promise<void> {
    if (this.#broughtBack || this.scene || this.adapter) return;
    this.#broughtBack = true;
    const shown = await this.#studio.shown('compare').catch(() => null); // they can be drawn again
    const last = shown && lastScene(shown, this.adapters, this.#model());
    if (!last) return;
    for (const [key, picture] of last.pictures) this.#queue.put(key, picture);
    Object.assign(this, last.state);
    this.beside.choices = last.beside;
  }
  /** What is on screen of this scene: without, with, then the strip. */
  #keepShown(): void {
    const [modelId, cells] = [this.#model(), shownCells([0, this.strength, ...bands], this)];
    if (!modelId || cells.length < 2) return;
    this.#studio.keepShown('compare', { modelId, cells }).catch((error: unknown) => console.warn(error));
  }

  #typed(): Scene {
    const { prompt, negativePrompt, seed, sampler, steps, guidance } = this;
    const scene = { prompt: prompt.trim(), negativePrompt: negativePrompt.trim(), seed, sampler, steps, guidance };
    return { ...scene, ...(this.clipSkip > 1 && { clipSkip: this.clipSkip }), ...this.#canvas() };
  }

  /** After every change: draws what is missing, most wanted first: with, without, then the strip. */
  #changed(unasked = false): Promise<void> {
    this.trouble = null;
    return this.#queue.work(unasked);
  }
}
