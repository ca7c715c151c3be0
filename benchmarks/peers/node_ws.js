// ws, as its documentation broadcasts: `send` for each client in a loop.
const { WebSocketServer, WebSocket } = require("ws");

const port = Number(process.argv[2].replace("--port=", ""));
const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false });

server.on("connection", (client) => {
  client.on("error", () => {});
  client.on("message", (data, isBinary) => {
    for (const other of server.clients) {
      if (other.readyState === WebSocket.OPEN) other.send(data, { binary: isBinary });
    }
  });
});
