from flup.server.fcgi import WSGIServer

from app import app

WSGIServer(app).run()
