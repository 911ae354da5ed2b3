// In: what a run or an adapter was made with, and the model that is open. Out: was it begun on weights that have been replaced since?
import type { AdapterInfo, ModelInfo } from '../../worker/api.ts';

/** Nothing can be said while another model is open, or where nobody wrote down which weights it was. */
export const earlierWeights = (
  { modelId, modelVersion }: Pick<AdapterInfo, 'modelId' | 'modelVersion'>,
  open: ModelInfo | null,
): boolean => open !== null && open.id === modelId && (modelVersion ?? open.version) !== open.version;
