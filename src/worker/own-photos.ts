// A job in; trained with the photos that its run began with, which are held for it until it is done; whether the page's are others by now is told.
import { sha256 } from 'hash-wasm';
import { photoBytes, type RunPhoto, type RunPhotoStore, type SeenPhoto } from '../storage/run-photos.ts';
import type { RunStore } from '../storage/run-store.ts';
import type { TrainEvent } from '../training/events.ts';
import type { TrainingJob } from '../training/job.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { Trouble } from '../trouble.ts';

interface Stores {
  runs: RunStore;
  runPhotos: RunPhotoStore;
}
type JobPhoto = TrainingJob['photos'][number];
/** What a photo is to training. */
const looks = ({ sha256, crop, caption }: Pick<SeenPhoto, 'sha256' | 'crop' | 'caption'>): string =>
  JSON.stringify([sha256, crop.x, crop.y, crop.size, caption]);

/**
 * A run is what its photos, crops and captions made of it: it goes on with those it began with, whatever the page's have become. Where their
 * bytes are no longer kept, the page's of the same bytes do. Trouble 'other-photos' when that leaves some missing. Runs that were stored before
 * photos were go on with the page's if there are as many.
 */
export async function withOwnPhotos(
  stores: Stores,
  asked: TrainingJob,
  onEvent: (event: TrainEvent) => void,
  train: (job: TrainingJob) => Promise<RunSummary>,
): Promise<RunSummary> {
  const { runs, runPhotos } = stores;
  const { job, others } = await ownPhotos(stores, asked);
  if (others) onEvent({ kind: 'own-photos', photos: job.photos.length });
  try {
    const summary = await train(job);
    await runPhotos.release(job.runId).catch(() => {}); // then they stay a little longer
    return summary;
  } catch (error) {
    if (!(await runs.load(job.runId))) await runPhotos.forget(job.runId); // it never became a run
    throw error;
  }
}

async function ownPhotos(
  { runs, runPhotos }: Stores,
  job: TrainingJob,
): Promise<{ job: TrainingJob; others: boolean }> {
  const stored = await runs.load(job.runId);
  const own = stored && (await runPhotos.load(job.runId));
  if (!own) {
    const [began, here] = [stored?.photos ?? job.photos.length, job.photos.length];
    if (began !== here) throw new Trouble('other-photos', { began, here, missing: [] });
    const photos: SeenPhoto[] = [];
    for (const photo of job.photos) photos.push(await seen(photo, runPhotos)); // one after another: 500 photos at once would be gigabytes
    await hold(photos);
    return { job, others: false };
  }
  // What the page has and cannot be read is not needed here.
  const now: SeenPhoto[] = [];
  for (const photo of job.photos) {
    const one = await seen(photo, runPhotos).catch(() => null);
    if (one) now.push(one);
  }
  const kept: RunPhoto[] = [];
  for (const photo of own) kept.push({ ...photo, file: await unharmed(photo) });
  const photos = kept.map(({ file, ...photo }) => {
    const bytes = file ?? now.find(({ sha256 }) => sha256 === photo.sha256)?.file;
    return bytes ? { ...photo, file: bytes } : { ...photo, file: null };
  });
  const whole = photos.filter((photo): photo is SeenPhoto => photo.file !== null);
  if (whole.length < photos.length) {
    const missing = photos.filter(({ file }) => !file).map(({ name }) => name);
    throw new Trouble('other-photos', { began: own.length, here: whole.length, missing });
  }
  await hold(whole);
  const others = now.length !== job.photos.length || String(now.map(looks)) !== String(own.map(looks));
  return { job: { ...job, photos: whole.map(({ sha256: _, ...photo }) => photo) }, others };

  /** On a full disk the run does without: it says itself what it could not keep. */
  async function hold(photos: SeenPhoto[]): Promise<void> {
    await runPhotos.hold(job.runId, photos).catch((error: unknown) => {
      if (!(error instanceof Trouble && error.code === 'disk-full')) throw error;
    });
  }
}

/** The photo's Blob, where its bytes are still those that the run began with. */
async function unharmed({ file, sha256: began }: RunPhoto): Promise<Blob | null> {
  if (!file) return null;
  const bytes = await file.arrayBuffer().catch(() => null);
  return bytes === null || (await sha256(new Uint8Array(bytes))) === began ? file : null; // one that cannot be read is asked for anew later
}

async function seen(photo: JobPhoto, stored: Pick<RunPhotoStore, 'file'>): Promise<SeenPhoto> {
  const { bytes, file } = await photoBytes(photo, stored);
  return { ...photo, file, sha256: await sha256(new Uint8Array(bytes)) };
}
