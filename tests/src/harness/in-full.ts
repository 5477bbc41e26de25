// Variants of what another test shows already: `npm test` leaves them out, so that it ends within ten minutes on two cores;
// `npm test -- --all` plays them, too.

/** Options of such a test. */
export const inFull = { skip: !process.env.PARLEY_TEST_ALL && 'played by npm test -- --all' };
