// The frozen text encoder of the open model: prompts in, text states out. Opened when needed, closed to give memory back.
import { openEncoders } from '../encoders/client.ts';
import type { EncoderFiles, Encoders } from '../encoders/encoders.ts';
import type { Tokenizer } from '../encoders/tokenizer.ts';

export interface EncoderRoom {
  /** The encoders, opened if they are not. */
  open(): Promise<Encoders>;
  /** Hidden states (77, d) of each prompt; each prompt is encoded once while the model is open. */
  textStates(prompts: readonly string[]): Promise<Float32Array[]>;
  /** Ends their worker (wasm memory never shrinks) once what was asked of it is done. What was encoded stays known; the next use opens them again. */
  rest(): Promise<void>;
  /** The same at once: what is under way rejects. */
  close(): Promise<void>;
}

const REMEMBERED = 64; // prompts: 15 MB of Stable Diffusion 1's states

export function encoderRoom(
  files: EncoderFiles,
  tokenizer: Pick<Tokenizer, 'encodePadded'>,
  open: (files: EncoderFiles) => Promise<Encoders> = openEncoders,
): EncoderRoom {
  let opened: Promise<Encoders> | null = null;
  let underWay = new Set<Promise<unknown>>();
  const known = new Map<string, Float32Array>();

  const encoders = (): Promise<Encoders> => {
    opened ??= open(files).then(watched, (error: unknown) => {
      opened = null; // the next use tries again
      throw error;
    });
    return opened;
  };
  /** The same encoders, which remember what is asked of them until it is answered. */
  const watched = (made: Encoders): Encoders => {
    const asked = new Set<Promise<unknown>>();
    underWay = asked;
    const watch = <T>(call: Promise<T>): Promise<T> => {
      asked.add(call);
      const done = () => void asked.delete(call);
      call.then(done, done);
      return call;
    };
    return {
      ...made,
      encodeText: (prompts) => watch(made.encodeText(prompts)),
    };
  };
  return {
    open: encoders,
    async textStates(prompts) {
      const missing = [...new Set(prompts)].filter((prompt) => !known.has(prompt));
      const states =
        missing.length === 0
          ? []
          : await (await encoders()).encodeText(missing.map((prompt) => tokenizer.encodePadded(prompt).ids));
      for (const [i, prompt] of missing.entries()) known.set(prompt, states[i] as Float32Array);
      const answer = prompts.map((prompt) => known.get(prompt) as Float32Array);
      for (const prompt of known.keys()) {
        if (known.size <= REMEMBERED) break;
        if (!prompts.includes(prompt)) known.delete(prompt);
      }
      return answer;
    },
    async rest() {
      const ending = opened;
      opened = null;
      const made = await ending;
      await Promise.allSettled(underWay);
      await made?.close();
    },
    async close() {
      const ending = opened;
      opened = null;
      await (await ending)?.close();
    },
  };
}
