// The few texts of the app itself; the others are with the elements.
export const texts = {
  starting: 'Starting',
  tryAgain: 'Try again',
} as const;
