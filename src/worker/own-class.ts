// A job in; the same with the class pictures that its run began with, held for it from then on, out.
import { sha256 } from 'hash-wasm';
import type { ClassPicture, ClassStore, HeldPicture } from '../storage/class-store.ts';
import type { TrainingJob } from '../training/job.ts';
import { Trouble } from '../trouble.ts';

/**
 * A run goes on with its own class pictures, whatever the page's have become; so many of them as it asked for. Where the bytes of one are not those any
 * more, the page's of the same bytes does. Trouble 'few-class-pictures' where there is none.
 */
export async function withOwnClass(classes: ClassStore, job: TrainingJob): Promise<TrainingJob> {
  const { classPictures: asked } = job.settings;
  if (asked === 0) return job;
  const own = await classes.ofRun(job.runId);
  if (own) return { ...job, classPictures: await whole(own, job.classPictures ?? []) };
  const pictures = (job.classPictures ?? []).slice(0, asked);
  if (pictures.length < asked) return { ...job, classPictures: pictures };
  const held: HeldPicture[] = [];
  for (const picture of pictures) held.push({ ...picture, sha256: await hashOf(picture) });
  await classes.hold(job.runId, held);
  return { ...job, classPictures: pictures };
}

async function whole(own: readonly HeldPicture[], page: readonly ClassPicture[]): Promise<ClassPicture[]> {
  const pictures: ClassPicture[] = [];
  let onPage: Map<string, ClassPicture> | null = null;
  for (const { sha256: told, ...picture } of own) {
    if (told === undefined || told === (await hashOf(picture).catch(() => null))) {
      pictures.push(picture);
      continue;
    }
    onPage ??= new Map(await Promise.all(page.map(async (one) => [await hashOf(one), one] as const)));
    const same = onPage.get(told);
    if (same) pictures.push({ ...picture, file: same.file });
  }
  if (pictures.length < own.length)
    throw new Trouble('few-class-pictures', { asked: own.length, here: pictures.length });
  return pictures;
}

const hashOf = async ({ file }: ClassPicture): Promise<string> => sha256(new Uint8Array(await file.arrayBuffer()));
