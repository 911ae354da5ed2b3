// tables: what the optimizer only reads — rates of all steps, blocks and values of 8-bit moments — written once, when an engine is made.
import { dynamicMap } from '../ops/dynamic-map.ts';
import type { Programs } from '../plan/programs.ts';
import { rateTable } from './engine-plan.ts';
import type { OptimizerSettings } from './engine-types.ts';
import type { EngineBuffers } from './reserve.ts';

export function writeTables(
  { queue }: GPUDevice,
  buffers: EngineBuffers,
  { moments }: Programs,
  optimizer: OptimizerSettings | undefined,
): void {
  const put = (name: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void =>
    queue.writeBuffer(buffers.get(`state:${name}`) as GPUBuffer, 0, values);
  if (optimizer) put('learning_rates', rateTable(optimizer.learningRates));
  if (!moments) return;
  put('blocks', moments.blocks);
  put('map', Float32Array.of(...dynamicMap(true), ...dynamicMap(false)));
}
