// The frozen text encoder of the open model: prompts in, text states out. Opened when needed, closed to give memory back.
import { openEncoders } from '../encoders/client.ts';
import type { EncoderFiles, Encoders } from '../encoders/encoders.ts';
import { emphasised, type PromptChunk } from '../encoders/prompt-chunks.ts';
import type { Tokenizer } from '../encoders/tokenizer.ts';

export interface EncoderRoom {
  /** The encoders, opened if they are not. */
  open(): Promise<Encoders>;
  /** Hidden states (77, d) of each caption, to the letter and cut where it is too long; each is encoded once while the model is open. */
  textStates(captions: readonly string[], clipSkip?: number): Promise<Float32Array[]>;
  /** Hidden states (77 · n, d) of drawing prompts, with their weights: n is the number of chunks of the longest, shorter ones end in empty ones. */
  promptStates(prompts: readonly string[], clipSkip?: number): Promise<Float32Array[]>;
  /** Ends their worker (wasm memory never shrinks) once what was asked of it is done. What was encoded stays known; the next use opens them again. */
  rest(): Promise<void>;
  /** The same at once: what is under way rejects. */
  close(): Promise<void>;
}

const REMEMBERED = 64; // texts of 77 tokens: 15 MB of Stable Diffusion 1's states

export function encoderRoom(
  files: EncoderFiles,
  tokenizer: Pick<Tokenizer, 'encodePadded' | 'chunks'>,
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
      encodeText: (prompts, clipSkip) => watch(made.encodeText(prompts, clipSkip)),
    };
  };
  /** States of texts by their ids, each encoded once. */
  async function encoded(texts: readonly Int32Array[], clipSkip = 1): Promise<Float32Array[]> {
    const keys = texts.map((ids) => `${clipSkip}: ${ids.join(' ')}`);
    const missing = new Map(texts.map((ids, i) => [keys[i] as string, ids]));
    for (const key of keys) if (known.has(key)) missing.delete(key);
    const states = missing.size === 0 ? [] : await (await encoders()).encodeText([...missing.values()], clipSkip);
    for (const [i, key] of [...missing.keys()].entries()) known.set(key, states[i] as Float32Array);
    const answer = keys.map((key) => known.get(key) as Float32Array);
    for (const key of known.keys()) {
      if (known.size <= REMEMBERED) break;
      if (!keys.includes(key)) known.delete(key);
    }
    return answer;
  }
  return {
    open: encoders,
    textStates: (captions, clipSkip) =>
      encoded(
        captions.map((caption) => tokenizer.encodePadded(caption).ids),
        clipSkip,
      ),
    async promptStates(prompts, clipSkip) {
      const chunked = prompts.map((prompt) => tokenizer.chunks(prompt));
      const most = Math.max(...chunked.map((chunks) => chunks.length));
      const [empty] = tokenizer.chunks('') as [PromptChunk];
      const even = chunked.map((chunks) => [...chunks, ...Array<PromptChunk>(most - chunks.length).fill(empty)]);
      const states = await encoded(
        even.flat().map(({ ids }) => ids),
        clipSkip,
      );
      return even.map((chunks, at) =>
        joined(chunks.map(({ weights }, i) => emphasised(states[at * most + i] as Float32Array, weights))),
      );
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

/** Several states as one, one after the other. */
function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0] as Float32Array;
  const width = (parts[0] as Float32Array).length;
  const whole = new Float32Array(parts.length * width);
  for (const [i, part] of parts.entries()) whole.set(part, i * width);
  return whole;
}
