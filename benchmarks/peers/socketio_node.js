// Socket.IO: `emit` to everybody, over WebSocket alone.
const { Server } = require("socket.io");

const port = Number(process.argv[2].replace("--port=", ""));
const http = require("node:http").createServer();
const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false });

server.on("connection", (client) => {
  client.on("message", (text) => server.emit("message", text));
});

http.listen(port, "127.0.0.1");
