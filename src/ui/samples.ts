// The sample photo sets that come with the page: what there is, and one set as files, as if the user had dropped them.
export interface SampleSet {
  id: string;
  name: string;
  classNoun: string;
  files: string[]; // relative to samples/
}

const at = (path: string): string => `${import.meta.env.BASE_URL}samples/${path}`;
export const sampleAddress = (set: SampleSet, n: number): string => at(set.files[n] ?? '');

export async function sampleSets(): Promise<SampleSet[]> {
  return (await fetched('index.json')).json() as Promise<SampleSet[]>;
}

export function sampleFiles(set: SampleSet): Promise<File[]> {
  return Promise.all(
    set.files.map(async (path) => {
      const blob = await (await fetched(path)).blob();
      return new File([blob], path.replace('/', '-'), { type: blob.type });
    }),
  );
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(at(path));
  if (!response.ok) throw new Error(`samples/${path}: the server answered ${response.status}`);
  return response;
}
