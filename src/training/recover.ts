// Going on after a lost GPU: a way to make engines and a training in; the same training to its end, over as many as three lost devices.
import type { UNetEngine } from '../gpu/engine-types.ts';
import { Trouble } from '../trouble.ts';
import type { Snapshot } from './snapshot.ts';
import { type Ended, type Training, train } from './train.ts';

const LOSSES = 3; // a fourth is not an accident
const NOTICE_MS = 250; // a call on a lost device may fail before `lost` is told

/**
 * Runs `train`, and when the device is lost, makes a new engine and goes on from the last save (from the beginning where there is none):
 * reported as 'device-lost', then 'resumed'. The fourth loss rejects with Trouble 'device-lost'. Engines must notice their loss
 * (`noticingLoss`) and are the caller's to destroy.
 */
export async function trainThroughLosses(
  makeEngine: () => Promise<UNetEngine>,
  training: Omit<Training, 'unet' | 'preview'> & { preview(unet: UNetEngine, step: number): Promise<void> },
): Promise<Ended> {
  let from = training.from;
  const keeper = {
    ...training.keeper,
    async save(snapshot: Snapshot) {
      await training.keeper.save(snapshot);
      from = snapshot;
    },
  };
  for (let losses = 1; ; losses++) {
    const unet = await makeEngine();
    try {
      return await train({ ...training, keeper, from, unet, preview: (step) => training.preview(unet, step) });
    } catch (error) {
      const lost = error instanceof Trouble && error.code === 'device-lost';
      if (!lost) throw error;
      const step = from?.step ?? 0;
      if (losses > LOSSES) throw new Trouble('device-lost', { ...(error as Trouble<'device-lost'>).facts, step });
      training.report({ kind: 'device-lost', step });
    }
  }
}

/** The same engine, but whatever is asked of it ends in Trouble 'device-lost' once its device is lost, even what would wait forever. */
export function noticingLoss(engine: UNetEngine): UNetEngine {
  const waiting = new Set<(trouble: Trouble) => void>();
  let gone: Trouble | null = null;
  const noticed = engine.lost.then((info) => {
    gone = new Trouble('device-lost', { reason: info.message || info.reason });
    for (const reject of waiting) reject(gone);
  });
  const orLost = <T>(ask: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (gone) return reject(gone);
      waiting.add(reject);
      ask()
        .then(resolve, async (error: unknown) => {
          await Promise.race([noticed, new Promise((wake) => setTimeout(wake, NOTICE_MS))]);
          reject(gone ?? error);
        })
        .finally(() => waiting.delete(reject));
    });
  return {
    modules: engine.modules,
    gpuBytes: engine.gpuBytes,
    flopsPerStep: engine.flopsPerStep,
    dispatchesPerStep: engine.dispatchesPerStep,
    lost: engine.lost,
    predict: (inputs, strength) => orLost(() => engine.predict(inputs, strength)),
    evaluate: (inputs, strength) => orLost(() => engine.evaluate(inputs, strength)),
    step: (micro, signal) => orLost(() => engine.step(micro, signal)),
    readLora: () => orLost(() => engine.readLora()),
    readState: () => orLost(() => engine.readState()),
    writeLora: (weights) => engine.writeLora(weights),
    writeState: (state) => engine.writeState(state),
    destroy: () => engine.destroy(),
  };
}
