// Chromium as every test starts it: headless, alone with the page, and with the devices of a call.
import { type Browser, chromium } from 'playwright-core';

/** What Chromium has of its own that no test looks at. */
const unneeded = [
  // Browsers in tests reach each other by plain addresses; nobody answers for the names that would hide them.
  'WebRtcHideLocalIpsWithMdns',
  // A process in reserve, and pages of the address bar's menu, which headless windows have too and nobody opens: for each
  // window of a test two more processes, and half of the processor time that it takes to open it and sign in.
  'SpareRendererForSitePerProcess',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
];

/** Where Chromium is: as `npm test` has found it, otherwise where Debian puts it. */
export const chromiumPath = () => process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** The switches of every Chromium. `headed`: with a window that can be seen. */
export function chromiumSwitches({ headed = false } = {}): string[] {
  return [
    ...(headed ? [] : ['--headless=new']),
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    `--disable-features=${unneeded.join(',')}`,
    // Several windows are in front at once here, as they would be on several machines.
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
  ];
}

/** The switches that answer for the person at the devices, and put others in their place: Chromium's own, or these files. */
export function fakeDevices(files?: { readonly camera: string; readonly microphone: string }): string[] {
  return [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    ...(files
      ? [`--use-file-for-fake-video-capture=${files.camera}`, `--use-file-for-fake-audio-capture=${files.microphone}`]
      : []),
  ];
}

/** Starts a headless Chromium with Chromium's own fake devices. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: [...chromiumSwitches(), ...fakeDevices()] });
}
