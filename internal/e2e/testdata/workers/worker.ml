(* OCaml with netcgi2, whose event loop ends at once on SIGTERM. *)
let value uri =
  try float_of_string (String.sub uri (String.index uri '=' + 1) (String.length uri - String.index uri '=' - 1))
  with _ -> 0.

let starts prefix s = String.length s >= String.length prefix && String.sub s 0 (String.length prefix) = prefix

let () =
  Netcgi_fcgi.run (fun c ->
      let cgi = (c :> Netcgi.cgi) in
      let uri = cgi#environment#cgi_property ~default:"/" "REQUEST_URI" in
      let body =
        if starts "/sleep" uri then (Unix.sleepf (value uri /. 1000.); "slept")
        else string_of_int (Unix.getpid ())
      in
      cgi#set_header ~content_type:"application/octet-stream" ~fields:[ ("X-Pid", [ string_of_int (Unix.getpid ()) ]) ] ();
      cgi#out_channel#output_string body;
      cgi#out_channel#commit_work ())
