// A real Firefox for the tests of what browsers of two makers see of each other: the same page as in contract-browser.ts.
import { launchFirefox } from '@parley/test-browsers/firefox';
import { looks, type OnCandidate, type PeerPage, type Stage, servePages } from './contract-browser.ts';

/** Starts a Firefox and a server for its page. Who sends from it must have Bob's tone. */
export async function openFirefoxStage(executablePath: string): Promise<Stage> {
  const server = await servePages();
  const browser = await launchFirefox(executablePath, looks.bob.tone);
  return {
    async open(onCandidate: OnCandidate = () => undefined): Promise<PeerPage> {
      const page = await browser.newPage();
      await page.exposeFunction('candidate', onCandidate);
      await page.goto(`${server.url}#no-sound-card`);
      return {
        evaluate: async (run, argument) => (await page.evaluate(run as never, argument)) as never,
        isClosed: () => page.isClosed(),
        close: () => page.close(),
      };
    },
    giveBack: (page) => page.close(),
    // One test opens one page: nothing follows it.
    takeBack: async () => undefined,
    async close() {
      await browser.close();
      server.close();
    },
  };
}
