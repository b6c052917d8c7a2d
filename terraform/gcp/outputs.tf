output "anteroom_hosts" {
  description = "What anteroom needs to reach the hosts. host_key is the public key that the host wrote into its guest attributes, where read_host_keys is set."
  value = [for name, host in module.shape.hosts : {
    name            = name
    roles           = host.roles
    address         = google_compute_address.host[name].address
    public_address  = google_compute_address.host[name].address
    private_address = google_compute_instance.host[name].network_interface[0].network_ip
    user            = var.ssh_user
    host_key = !var.read_host_keys ? null : one([
      for row in data.google_compute_instance_guest_attributes.host[name].query_value : "${row.key} ${row.value}" if row.key == "ssh-ed25519"
    ])
  }]
  depends_on = [google_compute_firewall.outside]
}
