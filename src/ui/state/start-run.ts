// In: the whole state; out: a run that begins or goes on. The one place where model, photos, name and settings become a job.
import { newId } from '../../new-id.ts';
import type { TroubleFacts } from '../../trouble.ts';
import type { RunSummary, TrainingJob, TrainingSettings } from '../../worker/api.ts';
import type { Darkroom } from './darkroom.svelte.ts';
import { mishap } from './studio.ts';

export type Missing = 'model' | 'arrival' | 'photos' | 'name' | 'classes';

/** What training still needs, first things first. */
export function missingFor(app: Darkroom): Missing | null {
  if (!app.model.chosen) return 'model';
  if (!app.model.ready && !app.models.isHere(app.model.chosen)) return 'arrival';
  if (app.photos.inUse.length === 0) return 'photos';
  if (!app.naming.complete) return 'name';
  return app.classes.lacking > 0 ? 'classes' : null;
}

const photosOf = (app: Darkroom): TrainingJob['photos'] =>
  app.photos.inUse.map(({ id, name, file, crop, caption }) => ({ id, name, file, crop, caption }));

/** Training comes first: pictures and measurements give way. */
async function freeCard(app: Darkroom): Promise<void> {
  app.baseline.stop();
  app.compare.stop();
  app.classes.stop();
  await app.forecasts.stopMeasuring();
}

/** Takes the settings that an out-of-memory says would fit; false when it names none. */
export function applyFit(app: Darkroom, { fits }: TroubleFacts['out-of-memory']): boolean {
  if (fits) app.setup.apply(fits.settings as Partial<TrainingSettings>); // the worker names settings as TrainingSettings does
  return fits !== null;
}

/** A run of its own: it never touches an earlier one. */
export async function startRun(app: Darkroom): Promise<void> {
  const modelId = app.model.chosen;
  if (!modelId || missingFor(app) || !(await app.model.open(modelId))) return;
  app.model.take();
  app.naming.take();
  await app.project.flush(); // what is learned from is the project's first
  await freeCard(app);
  await app.run.start({
    runId: newId(),
    modelId,
    identifier: app.naming.name,
    classNoun: app.naming.noun,
    photos: photosOf(app),
    ...(app.setup.settings.classPictures > 0 ? { classPictures: app.classes.all } : {}),
    settings: { ...app.setup.settings },
  });
  app.forecasts.forget(); // the speed of this card is known now
}

/** A job that goes on with a stored run; what it depended on (name, settings) is the run's own. */
const jobToGoOn = (
  run: RunSummary,
  photos: TrainingJob['photos'],
  change: Partial<TrainingSettings> = {},
): TrainingJob => ({
  runId: run.runId,
  modelId: run.modelId,
  identifier: run.identifier,
  classNoun: run.classNoun,
  photos,
  settings: { ...run.settings, ...change },
});

/** Goes on with the run on screen from its last saved step, after a reload, a failure, or because it is not enough yet. */
export async function goOn(app: Darkroom, change: Partial<TrainingSettings> = {}): Promise<void> {
  const { run } = app;
  let job: TrainingJob | null;
  try {
    const stored = run.id ? (await app.studio.runs()).find((known) => known.runId === run.id) : undefined;
    job = stored
      ? jobToGoOn(stored, photosOf(app), change)
      : run.job && { ...run.job, settings: { ...run.job.settings, ...change } };
  } catch (error) {
    run.trouble = mishap(error);
    return;
  }
  if (!job || !(await app.model.open(job.modelId))) return;
  await freeCard(app);
  await run.start(job);
  app.forecasts.forget();
}

export const stepsMore = 200;
export const trainMore = (app: Darkroom): Promise<void> => {
  app.route.go('train');
  return goOn(app, { steps: app.run.step + stepsMore });
};
