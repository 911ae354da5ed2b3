// Every word about a new version of the page, in English.
export const update = {
  title: 'A new version is ready.',
  now: 'Everything here is kept.',
  afterTraining: 'It is used after this training.',
  use: 'Use it',
};
