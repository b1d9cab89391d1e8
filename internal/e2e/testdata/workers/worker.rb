require 'fcgi'

BLOCK = (0..255).to_a.pack('C*')

FCGI.each do |request|
  path, query = request.env['REQUEST_URI'].split('?')
  value = query.to_s.split('=')[1].to_i
  out = request.out
  out.print "Content-Type: application/octet-stream\r\nX-Pid: #{$$}\r\n\r\n"
  case path
  when '/mirror' then out.print request.in.read
  when '/bytes' then out.print((BLOCK * (1 + value / 256))[0, value])
  when '/sleep' then sleep value / 1000.0; out.print 'slept'
  else out.print $$
  end
  request.finish
end
