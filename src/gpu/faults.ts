// faults: a device in; the first error that came outside of every scope, as the Trouble that ends what is asked of the device, out.
import { Trouble } from '../trouble.ts';

/** A device that is lost says so by then: the error was its beginning, and the loss is what is told. */
const NOTICE_MS = 250;

/** One listener a device. A submit with an error is dropped whole: what is read afterwards is of no step, so nothing is handed on. */
export class Faults {
  #judging: Promise<Trouble<'gpu-refused'> | null> | null = null;
  readonly #waiting = new Set<(refusal: Trouble) => void>();

  #tell: (refusal: Trouble<'gpu-refused'>) => void = () => {};
  /** Resolves with the refusal, should there be one. */
  readonly refused = new Promise<Trouble<'gpu-refused'>>((resolve) => {
    this.#tell = resolve;
  });

  constructor(readonly device: Pick<GPUDevice, 'addEventListener' | 'lost'>) {
    device.addEventListener('uncapturederror', (event) => {
      this.#judging ??= this.#judge((event as GPUUncapturedErrorEvent).error.message);
    });
  }

  /** What `work` comes to; Trouble 'gpu-refused' as soon as the device has refused something, before or meanwhile. */
  guard<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const sure = async (): Promise<T> => {
        if (this.#judging) await this.#throwIfRefused(); // else at once: the order of calls is the order of turns
        const value = await work();
        await this.#throwIfRefused();
        return value;
      };
      sure()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  async #throwIfRefused(): Promise<void> {
    const refusal = await this.#judging;
    if (refusal) throw refusal;
  }

  async #judge(message: string): Promise<Trouble<'gpu-refused'> | null> {
    const late = new Promise<'refused'>((wake) => setTimeout(wake, NOTICE_MS, 'refused'));
    if ((await Promise.race([this.device.lost, late])) !== 'refused') return null;
    const refusal = new Trouble('gpu-refused', { message });
    for (const reject of this.#waiting) reject(refusal);
    this.#tell(refusal);
    return refusal;
  }
}
