module "shape" {
  source   = "../shape"
  anteroom = var.anteroom
}

locals {
  name = module.shape.name
  tags = { for key, value in module.shape.facts : "anteroom:${key}" => value }
}

resource "azurerm_resource_group" "own" {
  name     = local.name
  location = var.location
  tags     = local.tags
}

resource "azurerm_public_ip" "host" {
  for_each = module.shape.hosts

  name                = "${local.name}-${each.key}"
  location            = azurerm_resource_group.own.location
  resource_group_name = azurerm_resource_group.own.name
  allocation_method   = "Static"
  sku                 = "Standard"
  zones               = var.zone[*]
  tags                = local.tags
}

resource "azurerm_network_interface" "host" {
  for_each = module.shape.hosts

  name                = "${local.name}-${each.key}"
  location            = azurerm_resource_group.own.location
  resource_group_name = azurerm_resource_group.own.name
  tags                = local.tags
  ip_configuration {
    name                          = "main"
    subnet_id                     = var.subnet_id == null ? azurerm_subnet.own[0].id : var.subnet_id
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.host[each.key].id
  }
}

resource "azurerm_linux_virtual_machine" "host" {
  for_each = module.shape.hosts

  name                            = "${local.name}-${each.key}"
  computer_name                   = each.key
  location                        = azurerm_resource_group.own.location
  resource_group_name             = azurerm_resource_group.own.name
  zone                            = var.zone
  size                            = var.size
  network_interface_ids           = [azurerm_network_interface.host[each.key].id]
  admin_username                  = var.ssh_user
  disable_password_authentication = true
  # Trusted launch.
  secure_boot_enabled        = true
  vtpm_enabled               = true
  encryption_at_host_enabled = var.encryption_at_host
  tags                       = merge(local.tags, { "anteroom:role" = join("+", each.value.roles) })

  admin_ssh_key {
    username   = var.ssh_user
    public_key = var.ssh_public_key
  }

  # Managed disks are always encrypted; a set brings a key of one's own.
  os_disk {
    caching                = "ReadWrite"
    storage_account_type   = "Premium_LRS"
    disk_size_gb           = var.disk_gib
    disk_encryption_set_id = var.disk_encryption_set_id
  }

  source_image_reference {
    publisher = "debian"
    offer     = "debian-${var.debian}"
    sku       = "${var.debian}-gen2"
    version   = var.image_version
  }

  # The console, where the host's key can be read.
  boot_diagnostics {}

  # No rule is missing when the machine first answers.
  depends_on = [azurerm_network_interface_security_group_association.host]

  lifecycle {
    ignore_changes = [source_image_reference[0].version]
  }
}

# Nobody deletes a machine by a slip in the portal. `terraform destroy` takes the lock away first.
resource "azurerm_management_lock" "host" {
  for_each = module.shape.protect ? module.shape.hosts : {}

  name       = "anteroom"
  scope      = azurerm_linux_virtual_machine.host[each.key].id
  lock_level = "CanNotDelete"
  notes      = "A production host of ${local.name}"
}
