import { connect } from '@parley/client';

const session = await connect(); // the page's own node; throws `not-signed-in`: show the choices of `nodeInfo()`
session.incoming.subscribe(async ([ringing]) => {
  ringing?.trust.subscribe(({ status }) => console.log(status)); // `verified` by this browser itself, or why not
  if (ringing && confirm(`${ringing.from.name} of ${ringing.from.company} is calling`)) await ringing.accept();
});
const call = await session.startCall('bob@enterprise1.example', { microphone: true, camera: true });
call.view.subscribe((view) => console.log(view.phase, view.path, view.participants));
const bob = call.view.get().participants.find((participant) => !participant.self);
const picture = document.querySelector<HTMLElement>('#picture');
if (bob && picture) call.showVideo(bob.person.address, picture);
await call.add('carol@enterprise1.example'); // the running call moves to a conference by itself
