/** A plain Node server that answers errors with their stack, as many do. PORT says where. */
import { createServer } from 'node:http';

createServer((request, response) => {
  try {
    const path = decodeURIComponent(request.url);
    if (path === '/broken') throw new Error('no such cart');
    response.setHeader('content-type', 'text/html');
    if (path === '/') response.end('<!doctype html><title>Shop</title><p>Shop</p>');
    else response.writeHead(404).end('<!doctype html><title>Not found</title><p>Not found</p>');
  } catch (error) {
    response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ error: error.stack }));
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
