// A job in; the same with the class pictures that its run began with, held for it from then on, out.
import type { ClassStore } from '../storage/class-store.ts';
import type { TrainingJob } from '../training/job.ts';

/** A run goes on with its own class pictures, whatever the page's have become; so many of them as it asked for. */
export async function withOwnClass(classes: ClassStore, job: TrainingJob): Promise<TrainingJob> {
  const { classPictures: asked } = job.settings;
  if (asked === 0) return job;
  const own = await classes.ofRun(job.runId);
  const pictures = (own ?? job.classPictures ?? []).slice(0, asked);
  if (!own && pictures.length === asked) await classes.hold(job.runId, pictures);
  return { ...job, classPictures: pictures };
}
