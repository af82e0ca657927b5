/** An Express application as it is in development: its default error page shows the stack. PORT says where. */
import express from 'express';

const app = express();
app.get('/', (_request, response) => void response.send('<!doctype html><title>Shop</title><p>Shop</p>'));
app.get('/broken', () => {
  throw new Error('no such cart');
});
app.listen(Number(process.env.PORT), '127.0.0.1');
