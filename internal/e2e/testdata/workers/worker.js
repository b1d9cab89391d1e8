const fcgi = require('node-fastcgi');

// node-fastcgi 1.3.3 stalls for ever once a body has filled a stream's buffer
// (_canPush in its streams.js is never set again): make the buffer big enough.
require('stream').setDefaultHighWaterMark(false, 1 << 24);

const BLOCK = Buffer.from([...Array(256).keys()]);

const server = fcgi.createServer((request, response) => {
  const [path, query] = request.url.split('?');
  const value = Number(new URLSearchParams(query).values().next().value);
  const head = { 'Content-Type': 'application/octet-stream', 'X-Pid': String(process.pid) };
  const body = [];
  request.on('data', (piece) => body.push(piece));
  request.on('end', () => {
    response.writeHead(200, head);
    if (path === '/mirror') response.end(Buffer.concat(body));
    else if (path === '/bytes') response.end(Buffer.alloc(value, BLOCK));
    else if (path === '/sleep') setTimeout(() => response.end('slept'), value);
    else response.end(String(process.pid));
  });
});
server.listen();
