// Whatever is dropped, pasted or picked, on any screen, in; photos, captions, a checkpoint or a LoRA where they belong, and the rest by name and reason, out.

import type { FileKind } from '../../worker/api.ts';
import { readPictureText } from '../../worker/client.ts';
import { restorePicture } from '../compare/picture-file.ts';
import { type Dropped, type DroppedFile, droppedFiles, pickedFiles } from '../intake/dropped-files.ts';
import { type LeftOut, sortDrop } from '../intake/sort-drop.ts';
import { takeCheckpoint } from '../model/take-checkpoint.ts';
import type { Darkroom } from './darkroom.svelte.ts';
import type { Screen } from './route.svelte.ts';

export const mostPhotos = 500;

export class Intake {
  #leftOut = $state.raw<LeftOut[]>([]);
  /** Everything that is not in use, or not wholly, since it was last closed. */
  readonly leftOut: LeftOut[] = $derived.by(() => [...this.#leftOut, ...this.#app.photos.captions.leftOut]);
  readonly #app: Darkroom;
  #sorting: Promise<void> = Promise.resolve();
  /** Where what is being sorted was let go. */
  #from: Screen = 'model';

  constructor(app: Darkroom) {
    this.#app = app;
  }

  /** Resolves once everything has its place; photos are read after that. */
  drop(transfer: DataTransfer): Promise<void> {
    return this.#take(droppedFiles(transfer));
  }
  take(files: Iterable<File>): Promise<void> {
    return this.#take(pickedFiles(files));
  }
  /** One that is meant to say what it was drawn by: chosen for that, not dropped. */
  async takePicture(file: File): Promise<void> {
    const [kind] = await this.#app.studio.recognise([{ name: file.name, file }]).catch(() => []);
    if (!this.#takeSettings(file.name, kind?.text)) this.#app.toasts.show(this.#app.t.compare.noSettings(file.name));
  }
  close(): void {
    this.#leftOut = [];
    this.#app.photos.captions.close();
  }

  /** Two drops at once are sorted one after the other, so that photos keep their order. */
  #take(coming: Dropped | Promise<Dropped>): Promise<void> {
    const from = this.#app.route.screen;
    const sort = async () => {
      const { files, leftOut } = await coming;
      this.#from = from;
      // Where models are taken in, a folder of links is a model's: the worker knows which one to drop instead.
      const links = files.length === 0 && from === 'model' && leftOut.some(({ reason }) => reason === 'empty-folder');
      if (links) return this.#takeModel([], false);
      this.#leave(leftOut);
      await this.#sort(files);
    };
    this.#sorting = this.#sorting.then(sort, sort);
    return this.#sorting;
  }

  async #sort(files: DroppedFile[]): Promise<void> {
    const { studio } = this.#app;
    const named = files.map(({ file }) => ({ name: file.name, file }));
    const gone = (): FileKind[] => files.map(() => ({ kind: 'gone', format: '' }));
    const kinds = await studio.recognise(named).catch(gone);
    if (this.#from === 'compare' && files.length === 1 && this.#takeSettings(files[0]!.path, kinds[0]?.text)) return;
    const { photos, captions, model, lora, leftOut } = sortDrop(files, kinds);
    this.#leave(leftOut);
    const forPhotos = photos.length > 0 || captions.length > 0;
    if (forPhotos) {
      this.#takePhotos(photos, captions);
      this.#go('photos', this.#app.t.intake.photosAdded(photos.length, captions.length, this.#app.run.live));
    }
    if (model.length > 0) this.#takeModel(model, !forPhotos);
    if (lora) this.#takeLora(lora, !forPhotos && model.length === 0);
  }

  /** Where pictures are drawn, one that says by what it was drawn is meant for that. */
  #takeSettings(path: string, text: string | undefined): boolean {
    const { compare, toasts, t } = this.#app;
    const read = text === undefined || compare.adapter === null ? null : readPictureText(text);
    if (!read) return false;
    toasts.show(t.compare.restored(path, restorePicture(compare, read)));
    return true;
  }

  #takePhotos(photos: DroppedFile[], captions: Parameters<Darkroom['photos']['addCaptions']>[0]): void {
    const app = this.#app;
    const room = Math.max(0, mostPhotos - app.photos.entries.length);
    this.#leave(photos.slice(room).map(({ path }) => ({ path, reason: 'limit' })));
    const taken = photos.slice(0, room);
    const before = app.photos.all.length;
    const paths = new Map(taken.map(({ file, path }) => [file, path]));
    app.photos.addCaptions(captions);
    const reading = app.photos.add([...paths.keys()], paths);
    void reading.then(() => app.announcements.say(app.t.photos.added(app.photos.all.length - before)));
  }

  #takeModel(files: DroppedFile[], follow: boolean): void {
    const app = this.#app;
    if (app.transfers.current) {
      this.#leave(files.map(({ path }) => ({ path, reason: 'getting-model' })));
      return;
    }
    void takeCheckpoint(app, files);
    if (follow) this.#go('model', app.t.intake.modelTaken);
    else if (app.route.screen !== 'model') app.toasts.show(app.t.intake.modelTaken);
  }

  #takeLora({ file }: DroppedFile, follow: boolean): void {
    const app = this.#app;
    void app.compare.read(file);
    if (follow) this.#go('compare', app.t.intake.loraOpened);
    else app.toasts.show(app.t.intake.loraOpened);
  }

  /** Where it went is shown; it is only said while a training is watched, or to whoever has gone on to another screen meanwhile. */
  #go(screen: Screen, words: string): void {
    const { route, run, toasts } = this.#app;
    if (route.screen === screen) return;
    if (run.live || route.screen !== this.#from) toasts.show(words);
    else route.go(screen);
  }

  #leave(news: readonly LeftOut[]): void {
    const fresh = news.filter(
      (one) => !this.#leftOut.some(({ path, reason }) => path === one.path && reason === one.reason),
    );
    if (fresh.length === 0) return;
    this.#leftOut = [...this.#leftOut, ...fresh];
  }
}
