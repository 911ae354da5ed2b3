// What a run is given: settings, photos and the name that they get.
import type { Crop } from '../dataset/crop.ts';
import type { TrainingSettings } from './settings.ts';

export interface TrainingJob {
  runId: string; // a job with the id of a stored run goes on from its last saved step
  modelId: string;
  identifier: string;
  classNoun: string;
  photos: { id: string; name: string; file: Blob; crop: Crop; caption: string }[];
  classPictures?: { name: string; file: Blob }[]; // as many as settings.classPictures, or more
  settings: TrainingSettings;
}
