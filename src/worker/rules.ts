// What page and worker both go by, so that a rule is said once: functions and tables of earlier layers in, the same out.

export { classSentence } from '../dataset/caption.ts';
export { holdsName, withName } from '../dataset/name-in-caption.ts';
export { learnedFrom } from '../dataset/split.ts';
export { MOST_CLIP_SKIP } from '../diffusion/picture.ts';
export { tasteOf } from '../diffusion/picture-taste.ts';
export { readPictureText, writePictureText } from '../diffusion/picture-text.ts';
export { samplers } from '../diffusion/samplers.ts';
export { PICTURE_KEYWORD, withPngText } from '../files/png-text.ts';
export { applied, changeBetween } from '../storage/project-change.ts';
export { stepsPerEpoch } from '../training/epochs.ts';
export { optimizers, PLAIN, passesOf, schedules, targets } from '../training/settings.ts';
