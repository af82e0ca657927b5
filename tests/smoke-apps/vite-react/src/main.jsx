import { useState } from 'react';
import { createRoot } from 'react-dom/client';

export function Shop() {
  const [count, setCount] = useState(0);
  return <button onClick={() => setCount(count + 1)}>{count} in the cart</button>;
}

createRoot(document.getElementById('root')).render(<Shop />);
