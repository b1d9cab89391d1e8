import os
import time

from flask import Flask, Response, request

app = application = Flask(__name__)


def answer(body):
    return Response(body, mimetype='application/octet-stream', headers={'X-Pid': str(os.getpid())})


@app.post('/mirror')
def mirror():
    return answer(request.get_data())


@app.get('/bytes')
def some_bytes():
    wanted = int(request.args['n'])
    return answer((bytes(range(256)) * (1 + wanted // 256))[:wanted])


@app.get('/sleep')
def slow():
    time.sleep(int(request.args['ms']) / 1000)
    return answer('slept')


@app.get('/pid')
def pid():
    return answer(str(os.getpid()))
