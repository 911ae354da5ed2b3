// In: files the user picked or dropped; out: a checkpoint taken in and chosen. Only what a model is made of crosses to the worker.
import type { Darkroom } from '../state/darkroom.svelte.ts';
import type { ModelFile } from '../state/transfers.svelte.ts';

/** By their endings; in Hugging Face's cache nothing has one. */
const partOfModel = /\.(safetensors|json|txt|model|ckpt|pt|pth|bin|gguf)$|(^|\/)blobs\/[^/.]+$/i;

/**
 * A single file goes as it is, whatever it may be, and a folder of which the browser saw nothing: the worker says what it is instead. Of any other
 * folder, only what models are made of.
 */
export async function takeCheckpoint(app: Darkroom, files: ModelFile[]): Promise<void> {
  const wanted = files.length === 1 ? files : files.filter(({ path }) => partOfModel.test(path));
  if (app.transfers.current) return;
  const taken = await app.transfers.take(wanted.length > 0 ? wanted : files);
  if (!taken) return;
  app.models.picked = taken.id;
  app.toasts.show(app.t.model.arrived(taken.name));
}
