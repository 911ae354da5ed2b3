// The studio's parts in; its call that measures this card for the page's bench out: alone on the card, on a device of its own.
import { benchCard, type CardBench } from '../bench/card-bench.ts';
import { requestGpu } from '../gpu/device.ts';
import { laneOf } from '../gpu/lane.ts';
import { orLost } from '../gpu/lost-device.ts';
import type { OnProgress } from '../progress.ts';
import type { CardLock } from './card-lock.ts';
import { busyTraining, type GpuTurns } from './gpu-turns.ts';

export interface BenchParts {
  turns: GpuTurns;
  card: CardLock;
  /** Frees what this tab has on the card: the bench's own buffers may need it. */
  letGo(): Promise<void>;
}

/** @throws Trouble 'busy-training', 'another-tab', 'device-lost', 'gpu-refused', 'out-of-memory' and those of having no card; the signal's reason. */
export function bench(
  { turns, card, letGo }: BenchParts,
  signal: AbortSignal,
  budgetMs: number,
  onProgress: OnProgress,
): Promise<CardBench> {
  if (turns.run) throw busyTraining();
  const inTurn = async (): Promise<CardBench> => {
    await letGo();
    const gpu = await requestGpu();
    try {
      return await orLost(gpu.device.lost)(() =>
        laneOf(gpu.device).faults.guard(() => benchCard(gpu, { signal, budgetMs, onProgress })),
      );
    } finally {
      gpu.device.destroy();
    }
  };
  return card.use('measuring', () => turns.picture(signal, inTurn), { signal });
}
