"""A Flask application that tells what it was sent, in the shape of worker-params."""
import base64
import hashlib
import json
import os

from flask import Flask, Response, request

app = application = Flask(__name__)


def encoded(text):
    # PEP 3333: strings of the environment hold bytes as Latin-1.
    return base64.b64encode(text.encode('latin-1')).decode()


@app.route('/', defaults={'path': ''}, methods=['GET', 'POST', 'PUT'])
@app.route('/<path:path>', methods=['GET', 'POST', 'PUT'])
def tell(path):
    body = request.get_data()
    params = [[encoded(k), encoded(v)] for k, v in request.environ.items() if isinstance(v, str) and not k.startswith('wsgi.')]
    text = json.dumps({'Params': params, 'Bytes': len(body), 'Sum': base64.b64encode(hashlib.sha256(body).digest()).decode()})
    answer = Response(text, mimetype='application/json', headers={'X-Pid': str(os.getpid())})
    size = request.args.get('header', type=int)
    if size:
        for _ in range(3):
            answer.headers.add('X-Large', 'x' * size)
    if request.method == 'HEAD':
        answer.headers['X-Seen'] = base64.b64encode(text.encode()).decode()
    return answer
